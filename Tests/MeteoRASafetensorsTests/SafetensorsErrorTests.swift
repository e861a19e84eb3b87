import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors errors")
struct SafetensorsErrorTests {
  static let sentences: [(SafetensorsError, String)] = [
    (
      .inaccessible(.notFound(path: "f")), "f: no such file or folder"
    ),
    (
      .tooShort(file: "f", byteCount: 3),
      "f: has 3 bytes, expected at least the 8 of the header's length"
    ),
    (
      .headerTooLarge(file: "f", declared: 9, limit: 8),
      "f: is not a safetensors file: its first 8 bytes declare a header of 9 bytes, expected at most "
        + "8"
    ),
    (
      .headerExceedsFile(file: "f", declared: 9, available: 2),
      "f: declares a header of 9 bytes, but only 2 follow"
    ),
    (.headerStart(file: "f", found: nil), "f: has an empty header, expected '{'"),
    (
      .headerStart(file: "f", found: 10), "f: has a header that begins with byte 0x0A, expected '{'"
    ),
    (
      .unsupportedDType(file: "f", tensor: "w", dtype: "F4"),
      "f: tensor 'w' has the type 'F4', expected one of U64 I64 F64 C64 F32 U32 I32 BF16 F16 U16 "
        + "I16 F8_E4M3 F8_E5M2 I8 U8 BOOL"
    ),
    (
      .unsupportedField(file: "f", tensor: "w", field: "x"),
      "f: tensor 'w' has the field 'x', expected only dtype, shape and data_offsets"
    ),
    (
      .shapeOverflow(file: "f", tensor: "w", dtype: .f32, shape: [1, 2]),
      "f: tensor 'w' (F32 [1, 2]) has more bytes than 63 bits can count"
    ),
    (
      .offsetsReversed(file: "f", tensor: "w", begin: 4, end: 0),
      "f: tensor 'w' has data_offsets [4, 0], expected an end that is not before the begin"
    ),
    (
      .byteCountMismatch(
        file: "f", tensor: "w", dtype: .f32, shape: [2, 2], expected: 16, actual: 4),
      "f: tensor 'w' (F32 [2, 2]) needs 16 bytes, data_offsets spans 4"
    ),
    (
      .overlap(file: "f", tensor: "w", begin: 2, previous: "v", previousEnd: 4),
      "f: tensor 'w' begins at byte 2, but tensor 'v' ends at 4"
    ),
    (
      .hole(file: "f", tensor: "w", begin: 8, expected: 4),
      "f: tensor 'w' begins at byte 8, expected 4: the bytes between have no tensor"
    ),
    (
      .truncatedData(file: "f", expected: 4, actual: 3),
      "f: is cut off: its tensors need 4 bytes after the header, it has 3"
    ),
    (
      .trailingBytes(file: "f", expected: 4, actual: 5),
      "f: has 5 bytes after the header, but its tensors end after 4"
    ),
    (.tensorNotFound(file: "f", tensor: "w\n"), "f: tensor 'w\\u{A}' is missing"),
    (
      .shapeMismatch(file: "f", tensor: "w", expected: [], actual: Array(repeating: 1, count: 18)),
      "f: tensor 'w' has the shape [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …], expected []"
    ),
    (
      .conversion(file: "f", tensor: "w", dtype: .f64, wanted: "binary32"),
      "f: tensor 'w' has the type F64, expected one that can be read as binary32 without loss"
    ),
    (
      .integerOverflow(file: "f", tensor: "w", index: 1, value: .max),
      "f: tensor 'w' holds 18446744073709551615 at element 1, expected at most 9223372036854775807"
    ),
    (
      .elementsOutOfRange(file: "f", tensor: "w", range: 1..<9, count: 4),
      "f: tensor 'w' has 4 elements, but elements 1..<9 were asked for"
    ),
    (
      .noWeights(folder: "d"),
      "d: holds neither model.safetensors nor model.safetensors.index.json"
    ),
    (.emptyWeightMap(index: "i"), "i: lists no tensor in its weight_map, expected at least one"),
    (
      .shardOutsideFolder(index: "i", tensor: "w", shard: "../s"),
      "i: tensor 'w' is said to be in '../s', expected a file inside the folder"
    ),
    (
      .missingShard(index: "i", tensor: "w", shard: "s"),
      "i: tensor 'w' is said to be in 's', but the folder has no such file"
    ),
    (
      .tensorNotInShard(index: "i", tensor: "w", shard: "s"),
      "i: tensor 'w' is said to be in 's', but that file does not hold it"
    ),
    (
      .tensorNotInIndex(index: "i", tensor: "w", shard: "s"),
      "i: tensor 'w' is in 's', but the index does not list it"
    ),
    (
      .tensorInTwoShards(index: "i", tensor: "w", first: "s", second: "t"),
      "i: tensor 'w' is in both 's' and 't', expected it once"
    ),
    (
      .reservedName(file: "f", tensor: "__metadata__"),
      "f: tensor '__metadata__' cannot be written under this name, which the format reserves for "
        + "metadata"
    ),
    (
      .duplicateTensor(file: "f", tensor: "w"),
      "f: tensor 'w' is given twice, expected each name once"
    ),
    (
      .invalidShape(file: "f", tensor: "w", shape: [-1]),
      "f: tensor 'w' has the shape [-1], expected sizes from 0 whose bytes 63 bits can count"
    ),
    (
      .contentMismatch(file: "f", tensor: "w", expected: 4, actual: 3),
      "f: tensor 'w' needs 4 bytes, but 3 were written"
    ),
    (.writerClosed(file: "f"), "f: the writer is closed, expected all bytes before it finishes"),
  ]

  @Test("it says it in one sentence", arguments: sentences)
  func saysIt(error: SafetensorsError, sentence: String) {
    #expect(error.description == sentence)
  }

  @Test("it shows names so that they cannot break the line, and cuts long ones")
  func showsNames() {
    #expect(
      printable("a\nb\u{0}\u{7F}\u{202E}\u{2028}é") == "a\\u{A}b\\u{0}\\u{7F}\\u{202E}\\u{2028}é")
    #expect(printable([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
    #expect(printable(String(repeating: "x", count: 121)).utf8.count == 123)
    #expect(printable(String(repeating: "x", count: 120)) == String(repeating: "x", count: 120))
  }
}
