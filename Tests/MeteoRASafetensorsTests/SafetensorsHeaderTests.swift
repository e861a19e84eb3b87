import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors headers")
struct SafetensorsHeaderTests {
  private static let one: [UInt8] = [1, 2, 3, 4]

  private static func bytes(
    _ header: String, _ data: [UInt8] = [], declared: UInt64? = nil
  ) -> [UInt8] {
    let length = declared ?? UInt64(header.utf8.count)
    return withUnsafeBytes(of: length.littleEndian, Array.init) + Array(header.utf8) + data
  }

  private static func entry(
    _ name: String, dtype: String = "F32", shape: String = "[1]", _ offsets: String = "[0,4]"
  ) -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  static let refused: [(String, [UInt8], SafetensorsError)] = [
    ("no bytes", [], .tooShort(file: "f", byteCount: 0)),
    ("a short prefix", [1, 2, 3, 4, 5, 6, 7], .tooShort(file: "f", byteCount: 7)),
    (
      "a large header", bytes("{}", declared: 100_000_001),
      .headerTooLarge(file: "f", declared: 100_000_001, limit: 100_000_000)
    ),
    (
      "the largest prefix", bytes("{}", declared: .max),
      .headerTooLarge(file: "f", declared: .max, limit: 100_000_000)
    ),
    (
      "a header beyond the end", bytes("{}", declared: 3),
      .headerExceedsFile(file: "f", declared: 3, available: 2)
    ),
    ("an empty header", bytes(""), .headerStart(file: "f", found: nil)),
    ("a header that begins with a space", bytes(" {}"), .headerStart(file: "f", found: 0x20)),
    ("an array", bytes("[]"), .headerStart(file: "f", found: 0x5B)),
    (
      "an unknown type", bytes("{\(entry("w", dtype: "F33"))}", one),
      .unsupportedDType(file: "f", tensor: "w", dtype: "F33")
    ),
    (
      "a type in other characters", bytes("{\(entry("w", dtype: "F\u{FF13}2"))}", one),
      .unsupportedDType(file: "f", tensor: "w", dtype: "F\u{FF13}2")
    ),
    (
      "an unknown field",
      bytes(#"{"w":{"x":1,"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, one),
      .unsupportedField(file: "f", tensor: "w", field: "x")
    ),
    (
      "a shape that overflows", bytes("{\(entry("w", shape: "[4294967296,4294967296]"))}", one),
      .shapeOverflow(
        file: "f", tensor: "w", dtype: .f32, shape: [4_294_967_296, 4_294_967_296])
    ),
    (
      "bytes that overflow", bytes("{\(entry("w", shape: "[2305843009213693952]"))}", one),
      .shapeOverflow(file: "f", tensor: "w", dtype: .f32, shape: [2_305_843_009_213_693_952])
    ),
    (
      "offsets in reverse", bytes("{\(entry("w", "[4,0]"))}", one),
      .offsetsReversed(file: "f", tensor: "w", begin: 4, end: 0)
    ),
    (
      "too few bytes", bytes("{\(entry("w", shape: "[2,2]"))}", one),
      .byteCountMismatch(
        file: "f", tensor: "w", dtype: .f32, shape: [2, 2], expected: 16, actual: 4)
    ),
    (
      "an overlap", bytes("{\(entry("b", "[2,6]")),\(entry("a"))}", one + [5, 6]),
      .overlap(file: "f", tensor: "b", begin: 2, previous: "a", previousEnd: 4)
    ),
    (
      "a hole", bytes("{\(entry("b", "[8,12]")),\(entry("a"))}", one + one + one),
      .hole(file: "f", tensor: "b", begin: 8, expected: 4)
    ),
    (
      "a hole at the beginning", bytes("{\(entry("b", "[4,8]"))}", one + one),
      .hole(file: "f", tensor: "b", begin: 4, expected: 0)
    ),
    (
      "data cut off", bytes("{\(entry("w"))}", [1, 2, 3]),
      .truncatedData(file: "f", expected: 4, actual: 3)
    ),
    (
      "a byte too many", bytes("{\(entry("w"))}", one + [5]),
      .trailingBytes(file: "f", expected: 4, actual: 5)
    ),
  ]

  @Test("it names what is wrong", arguments: refused)
  func names(label: String, file: [UInt8], expected: SafetensorsError) {
    #expect(openError(file) == expected)
  }

  @Test(
    "it passes on what is wrong with the JSON, with the place in the header",
    arguments: [
      ("{\"w\":}", 5, "found '}', expected a value"),
      ("{} x", 3, "found 'x' after the document, expected its end"),
      ("{\(entry("w")),\(entry("w"))}", 54, "the key 'w' stands here again"),
      ("{\"w\":{}}", 5, "field 'w.shape' is missing"),
      ("{\"w\":3}", 5, "field 'w' is 3, expected an object"),
      (
        "{\(entry("w", shape: "[1,-1]"))}", 31,
        "field 'w.shape[1]' is -1, expected an integer from 0"
      ),
      (
        "{\(entry("w", shape: "[-0]"))}", 29, "field 'w.shape[0]' is -0, expected an integer from 0"
      ),
      ("{\(entry("w", shape: "[1.0]"))}", 29, "field 'w.shape[0]' is 1.0, expected an integer"),
      (
        "{\(entry("w", "[0,4,4]"))}", 47,
        "field 'w.data_offsets' is an array, expected an array of two"
      ),
      (
        "{\(entry("w", "[0,9223372036854775808]"))}", 50,
        "'w.data_offsets[1]' is 9223372036854775808"
      ),
      ("{\"__metadata__\":null}", 16, "field '__metadata__' is null, expected an object"),
      ("{\"__metadata__\":{\"a\":1}}", 21, "field '__metadata__.a' is 1, expected a string"),
    ])
  func passesOn(header: String, offset: Int, part: String) throws {
    let error = try #require(openError(Self.bytes(header, Self.one)))
    guard case .json(let problem) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(problem.offset == offset)
    #expect(error.description.hasPrefix("f (header):1:\(offset + 1) (byte \(offset)): "))
    #expect(error.description.contains(part))
    #expect(error.category == .malformed)
  }

  @Test("it keeps equivalent spellings of a name and of a key apart")
  func keepsSpellingsApart() throws {
    let header = """
      {"__metadata__":{"\u{E9}":"1","e\u{301}":"2"},\
      \(Self.entry("\u{E9}")),\(Self.entry("e\u{301}", "[4,8]"))}
      """
    let file = try SafetensorsFile(
      bytes: Self.bytes(header, Self.one + [9, 9, 9, 9]), source: "f")
    #expect(file.tensors.count == 2)
    #expect(try file.tensor(named: "\u{E9}").withUnsafeBytes { $0[0] } == 1)
    #expect(try file.tensor(named: "e\u{301}").withUnsafeBytes { $0[0] } == 9)
    #expect(file.metadata?["\u{E9}"] == "1")
    #expect(file.metadata?["e\u{301}"] == "2")
  }

  @Test("it reads a header of 20000 tensors in the order of their data")
  func readsManyTensors() throws {
    let count = 20_000
    let entries = (0..<count).reversed().map { number in
      Self.entry("layers.\(number).w", dtype: "U8", "[\(number),\(number + 1)]")
    }
    let data = (0..<count).map { UInt8($0 % 251) }
    let file = try SafetensorsFile(
      bytes: Self.bytes("{\(entries.joined(separator: ","))}", data), source: "f")
    #expect(file.tensors.count == count)
    for number in stride(from: 0, to: count, by: 997) {
      #expect(file.tensors[number].name == "layers.\(number).w")
      #expect(
        try file.tensor(named: "layers.\(number).w").int64Values() == [Int64(data[number])])
    }
  }
}

/// The error of reading these bytes as the file "f"; `nil` if they are taken.
func openError(_ bytes: [UInt8]) -> SafetensorsError? {
  do throws(SafetensorsError) {
    _ = try SafetensorsFile(bytes: bytes, source: "f")
    return nil
  } catch {
    return error
  }
}
