import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors tensors as numbers")
struct SafetensorsTensorTests {
  /// A file of one tensor "w", whose data begin at an odd address of the file.
  private func tensor(
    _ dtype: String, _ shape: [Int], _ data: [UInt8]
  ) throws -> SafetensorsTensor {
    let header = """
      {"pad":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"\(dtype)",\
      "shape":\(shape),"data_offsets":[1,\(1 + data.count)]}}
      """
    let length = UInt64(header.utf8.count).littleEndian
    let bytes = withUnsafeBytes(of: length, Array.init) + Array(header.utf8) + [0] + data
    return try SafetensorsFile(bytes: bytes, source: "f").tensor(named: "w")
  }

  @Test("it describes a tensor")
  func describes() throws {
    let tensor = try tensor("F32", [2, 1], [0, 0, 128, 63, 0, 0, 0, 192])
    #expect(tensor.name == "w")
    #expect(tensor.file == "f")
    #expect(tensor.dtype == .f32)
    #expect(tensor.shape == [2, 1])
    #expect(tensor.elementCount == 2)
    #expect(tensor.byteCount == 8)
    #expect(try tensor.float32Values() == [1, -2])
    #expect(tensor.withUnsafeBytes { Array($0) } == [0, 0, 128, 63, 0, 0, 0, 192])
  }

  @Test("it reads scalars and empty tensors")
  func readsScalars() throws {
    let scalar = try tensor("F64", [], [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(scalar.elementCount == 1)
    #expect(try scalar.float64Values() == [1])
    let empty = try tensor("F32", [3, 0], [])
    #expect(empty.elementCount == 0)
    #expect(try empty.float32Values() == [])
    #expect(try empty.float32Values(in: 0..<0) == [])
  }

  @Test("it keeps the bits of binary32, NaN and minus zero included")
  func keepsBits() throws {
    let bits: [UInt32] = [0x8000_0000, 0x7FC0_1234, 0xFF80_0000, 0x0000_0001, 0x7F7F_FFFF]
    let data = bits.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
    #expect(try tensor("F32", [5], data).float32Values().map(\.bitPattern) == bits)
  }

  @Test(
    "it reads integers of every width",
    arguments: [
      ("I8", [0x80, 0x7F], [-128, 127]), ("U8", [0x80, 0xFF], [128, 255]),
      ("I16", [0x00, 0x80, 0xFF, 0x7F], [-32768, 32767]), ("U16", [0xFF, 0xFF, 1, 0], [65535, 1]),
      ("I32", [0, 0, 0, 0x80, 1, 0, 0, 0], [-2_147_483_648, 1]),
      ("U32", [0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0], [4_294_967_295, 2]),
      (
        "I64", [0, 0, 0, 0, 0, 0, 0, 0x80, 3, 0, 0, 0, 0, 0, 0, 0],
        [-9_223_372_036_854_775_808, 3]
      ),
      (
        "U64", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 4, 0, 0, 0, 0, 0, 0, 0],
        [9_223_372_036_854_775_807, 4]
      ),
    ] as [(String, [UInt8], [Int64])])
  func readsIntegers(dtype: String, data: [UInt8], expected: [Int64]) throws {
    let tensor = try tensor(dtype, [2], data)
    #expect(try tensor.int64Values() == expected)
    #expect(try tensor.int64Values(in: 1..<2) == [expected[1]])
    #expect(
      throws: SafetensorsError.conversion(
        file: "f", tensor: "w", dtype: tensor.dtype, wanted: "binary32")
    ) { try tensor.float32Values() }
    #expect(
      throws: SafetensorsError.conversion(
        file: "f", tensor: "w", dtype: tensor.dtype, wanted: "binary64")
    ) { try tensor.float64Values() }
  }

  @Test("it refuses an integer above 63 bits and names it")
  func refusesLargeIntegers() throws {
    let tensor = try tensor("U64", [2], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80])
    let error = SafetensorsError.integerOverflow(
      file: "f", tensor: "w", index: 1, value: 9_223_372_036_854_775_808)
    #expect(throws: error) { try tensor.int64Values() }
    #expect(throws: error) { try tensor.int64Values(in: 1..<2) }
    #expect(try tensor.int64Values(in: 0..<1) == [1])
  }

  @Test("it never narrows binary64, and takes no floats for integers")
  func neverNarrows() throws {
    let wide = try tensor("F64", [1], [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(
      throws: SafetensorsError.conversion(file: "f", tensor: "w", dtype: .f64, wanted: "binary32")
    ) { try wide.float32Values() }
    for (dtype, data) in [("F64", 8), ("BOOL", 1), ("C64", 8), ("BF16", 2)] {
      let tensor = try tensor(dtype, [1], Array(repeating: 0, count: data))
      #expect(throws: SafetensorsError.self) { try tensor.int64Values() }
    }
    for (dtype, data) in [("BOOL", 1), ("C64", 8)] {
      let tensor = try tensor(dtype, [1], Array(repeating: 0, count: data))
      #expect(throws: SafetensorsError.self) { try tensor.float64Values() }
    }
  }

  @Test("it reads a part of a tensor, and none beyond it")
  func readsParts() throws {
    let tensor = try tensor("BF16", [4], [0x80, 0x3F, 0, 0x40, 0x40, 0x40, 0x80, 0x40])
    #expect(try tensor.float32Values(in: 1..<3) == [2, 3])
    #expect(try tensor.float64Values(in: 3..<4) == [4])
    #expect(try tensor.float32Values(in: 4..<4) == [])
    for range in [0..<5, -1..<2, 4..<Int.max] {
      #expect(
        throws: SafetensorsError.elementsOutOfRange(
          file: "f", tensor: "w", range: range, count: 4)
      ) { try tensor.float32Values(in: range) }
    }
  }

  @Test("it finds tensors by name and by shape")
  func finds() throws {
    let bytes: [UInt8] =
      [56, 0, 0, 0, 0, 0, 0, 0]
      + Array(#"{"w":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}} "#.utf8) + [1, 2, 3, 4]
    let file = try SafetensorsFile(bytes: bytes, source: "f")
    #expect(file.tensorIfPresent(named: "v") == nil)
    #expect(try file.tensor(named: "w", shape: [2, 2]).int64Values() == [1, 2, 3, 4])
    #expect(throws: SafetensorsError.tensorNotFound(file: "f", tensor: "v")) {
      try file.tensor(named: "v")
    }
    #expect(throws: SafetensorsError.tensorNotFound(file: "f", tensor: "v")) {
      try file.tensor(named: "v", shape: [2, 2])
    }
    #expect(
      throws: SafetensorsError.shapeMismatch(
        file: "f", tensor: "w", expected: [4], actual: [2, 2])
    ) { try file.tensor(named: "w", shape: [4]) }
  }
}
