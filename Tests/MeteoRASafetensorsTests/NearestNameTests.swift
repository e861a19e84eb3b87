import MeteoRASafetensors
import Testing

@Suite("The name that was probably meant")
struct NearestNameTests {
  @Test(
    "it counts inserted, deleted, replaced and swapped bytes",
    arguments: [
      ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1),
      ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "xabc", 1), ("kitten", "sitting", 3),
      ("ca", "abc", 3),
    ])
  func countsEdits(left: String, right: String, expected: Int) {
    #expect(editDistance(Array(left.utf8), Array(right.utf8)) == expected)
  }

  @Test("it is near, or there is none")
  func isNear() {
    let names = ["capitals", "reverse", "--prompt", "--prompt-ids", "--top"]
    #expect(nearestName(to: "captials", among: names) == "capitals")
    #expect(nearestName(to: "reserve", among: names) == "reverse")
    #expect(nearestName(to: "--promptids", among: names) == "--prompt-ids")
    #expect(nearestName(to: "--tpo", among: names) == "--top")
    #expect(nearestName(to: "unrelated", among: names) == nil)
    #expect(nearestName(to: "--x", among: names) == nil)
    #expect(nearestName(to: String(repeating: "a", count: 100_000), among: names) == nil)
    #expect(nearestName(to: "x", among: []) == nil)
  }
}
