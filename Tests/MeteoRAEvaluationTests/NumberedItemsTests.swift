import MeteoRAEvaluation
import Testing

@Suite("Items of a numbered text")
struct NumberedItemsTests {
  private func items(_ text: String) -> [Int: String] {
    let items = NumberedItems(text)
    return Dictionary(uniqueKeysWithValues: items.numbers.map { ($0, items[$0] ?? "absent") })
  }

  @Test(
    "a number begins its line, and the item is the rest of the line",
    arguments: [
      ("1. olleh\n2. 71\n", [1: "olleh", 2: "71"]),
      ("1. olleh\n2. 71", [1: "olleh", 2: "71"]),
      ("1.  a b \n", [1: " a b "]),
      ("1. a\r\n2. b\r\n", [1: "a\r", 2: "b\r"]),
      ("1. \n2.\n3. c", [1: "", 2: "", 3: "c"]),
      ("12. twelve\n123456789. many", [12: "twelve", 123_456_789: "many"]),
      ("1. see 2. below\n2. b", [1: "see 2. below", 2: "b"]),
      ("1. e\u{301}\u{2028}x", [1: "e\u{301}\u{2028}x"]),
    ])
  func finds(text: String, expected: [Int: String]) {
    #expect(items(text) == expected)
  }

  @Test(
    "text without a number belongs to nobody",
    arguments: [
      ("Here they are:\n1. a\n", [1: "a"]),
      ("1. a\nand more\n\n2. b\nthe end", [1: "a", 2: "b"]),
      ("nothing", [:]),
      ("", [:]),
      ("\n\n", [:]),
    ])
  func leavesOut(text: String, expected: [Int: String]) {
    #expect(items(text) == expected)
  }

  @Test(
    "missing numbers stay missing, the first of doubled ones counts, any order will do",
    arguments: [
      ("1. a\n3. c\n", [1: "a", 3: "c"]),
      ("1. a\n1. b\n2. c\n2. d\n", [1: "a", 2: "c"]),
      ("3. c\n1. a\n2. b\n", [1: "a", 2: "b", 3: "c"]),
    ])
  func takesNumbers(text: String, expected: [Int: String]) {
    #expect(items(text) == expected)
  }

  @Test(
    "what only looks like a number is none",
    arguments: [
      "01. a", "0. a", "1) a", "1 . a", "1.a", " 1. a", "a1. a", "1,5. a", "-1. a", "1.\ta",
      "1234567890. a", "99999999999999999999999. a", "\u{661}. a", ". a", "1",
    ])
  func refuses(line: String) {
    #expect(items(line).isEmpty)
  }
}
