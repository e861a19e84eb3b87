/// The items of a text such as `1. olleh\n2. 71\n`, by their numbers.
///
/// The text is cut at line feeds (U+000A) and nothing else. A line is *numbered* if it begins with
/// one to nine digits, the first of them not 0, and a full stop, and then ends or goes on with a
/// space. The item is what stands behind that space, up to the end of the line.
///
/// - Lines that are not numbered belong to no item, wherever they stand.
/// - Of several lines with one number the first counts.
/// - The order of the lines does not matter, nor do numbers that are left out.
///
/// The published scoring takes a number for one wherever `1. ` stands in the text, also in `21. `
/// or in the middle of a line; here a number begins its line.
public struct NumberedItems: Sendable {
  private var items: [Int: String] = [:]

  private static let mostDigits = 9

  /// Finds the items of a text.
  public init(_ text: String) {
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      guard let (number, item) = Self.item(of: line), items[number] == nil else { continue }
      items[number] = item
    }
  }

  /// The item with a number, with white space as it stands; `nil` if no line has that number.
  public subscript(number: Int) -> String? { items[number] }

  /// The numbers that there are, ascending.
  public var numbers: [Int] { items.keys.sorted() }

  private static func item(of line: Substring.UTF8View) -> (number: Int, item: String)? {
    let digits = line.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard (1...mostDigits).contains(digits.count), digits.first != UInt8(ascii: "0") else {
      return nil
    }
    var rest = line.dropFirst(digits.count)
    guard rest.popFirst() == UInt8(ascii: ".") else { return nil }
    guard rest.isEmpty || rest.popFirst() == UInt8(ascii: " ") else { return nil }
    let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    return (number, String(Substring(rest)))
  }
}
