// Elements as Swift numbers, converted exactly or not at all.

import MeteoRAMath

extension SafetensorsTensor {
  /// Elements as binary32: F32 as they are, BF16, F16, F8_E4M3 and F8_E5M2 widened exactly.
  ///
  /// - Parameter elements: The elements to read, counted in row-major order; all if `nil`.
  /// - Throws: ``SafetensorsError/conversion(file:tensor:dtype:wanted:)`` for other types, F64
  ///   among them, and ``SafetensorsError/elementsOutOfRange(file:tensor:range:count:)``.
  public func float32Values(
    in elements: Range<Int>? = nil
  ) throws(SafetensorsError) -> [Float] {
    switch dtype {
    case .f32:
      return try values(in: elements) { (bits: UInt32) in
        Float(bitPattern: UInt32(littleEndian: bits))
      }
    case .bf16:
      return try values(in: elements) { (bits: UInt16) in
        Widening.float(bfloat16: UInt16(littleEndian: bits))
      }
    case .f16:
      return try values(in: elements) { (bits: UInt16) in
        Widening.float(float16: UInt16(littleEndian: bits))
      }
    case .f8E4M3:
      return try values(in: elements) { (bits: UInt8) in Widening.float(float8E4M3: bits) }
    case .f8E5M2:
      return try values(in: elements) { (bits: UInt8) in Widening.float(float8E5M2: bits) }
    default:
      throw .conversion(file: file, tensor: name, dtype: dtype, wanted: "binary32")
    }
  }

  /// Elements as binary64: F64 as they are, and every type of ``float32Values(in:)`` exactly.
  ///
  /// - Parameter elements: The elements to read, counted in row-major order; all if `nil`.
  /// - Throws: As ``float32Values(in:)``.
  public func float64Values(
    in elements: Range<Int>? = nil
  ) throws(SafetensorsError) -> [Double] {
    switch dtype {
    case .f64:
      return try values(in: elements) { (bits: UInt64) in
        Double(bitPattern: UInt64(littleEndian: bits))
      }
    case .f32, .bf16, .f16, .f8E4M3, .f8E5M2:
      return try float32Values(in: elements).map(Double.init)
    default:
      throw .conversion(file: file, tensor: name, dtype: dtype, wanted: "binary64")
    }
  }

  /// Elements as integers: I64, I32, I16, I8, U32, U16 and U8, and U64 where the values fit.
  ///
  /// - Parameter elements: The elements to read, counted in row-major order; all if `nil`.
  /// - Throws: ``SafetensorsError/conversion(file:tensor:dtype:wanted:)`` for other types,
  ///   ``SafetensorsError/integerOverflow(file:tensor:index:value:)`` for a U64 element above the
  ///   largest `Int64`, and ``SafetensorsError/elementsOutOfRange(file:tensor:range:count:)``.
  public func int64Values(in elements: Range<Int>? = nil) throws(SafetensorsError) -> [Int64] {
    switch dtype {
    case .i64: return try values(in: elements) { Int64(littleEndian: $0) }
    case .i32: return try values(in: elements) { Int64(Int32(littleEndian: $0)) }
    case .i16: return try values(in: elements) { Int64(Int16(littleEndian: $0)) }
    case .i8: return try values(in: elements) { (element: Int8) in Int64(element) }
    case .u32: return try values(in: elements) { Int64(UInt32(littleEndian: $0)) }
    case .u16: return try values(in: elements) { Int64(UInt16(littleEndian: $0)) }
    case .u8: return try values(in: elements) { (element: UInt8) in Int64(element) }
    case .u64:
      let wide = try values(in: elements) { UInt64(littleEndian: $0) }
      if let index = wide.firstIndex(where: { $0 > UInt64(Int64.max) }) {
        throw .integerOverflow(
          file: file, tensor: name, index: (elements?.lowerBound ?? 0) + index, value: wide[index])
      }
      return wide.map { Int64($0) }
    default:
      throw .conversion(file: file, tensor: name, dtype: dtype, wanted: "integers")
    }
  }

  /// Reads elements of the width of `Raw`; bits are converted by `convert`.
  @inline(__always)
  private func values<Raw: BitwiseCopyable, Value>(
    in elements: Range<Int>?, _ convert: (Raw) -> Value
  ) throws(SafetensorsError) -> [Value] {
    let range = elements ?? 0..<elementCount
    guard range.lowerBound >= 0 && range.upperBound <= elementCount else {
      throw .elementsOutOfRange(file: file, tensor: name, range: range, count: elementCount)
    }
    // An array without elements is one for all threads, which none of them may write to.
    if range.isEmpty { return [] }
    return try Array(unsafeUninitializedCapacity: range.count) {
      values, count throws(SafetensorsError) in
      guard let target = values.baseAddress else { return }
      try forEachPiece(of: range) { (piece: UnsafeMutableBufferPointer<Raw>) in
        for element in piece {
          (target + count).initialize(to: convert(element))
          count += 1
        }
      }
    }
  }

  /// Calls `body` with the elements of a range, some at a time.
  @inline(__always)
  private func forEachPiece<Raw: BitwiseCopyable>(
    of range: Range<Int>, _ body: (UnsafeMutableBufferPointer<Raw>) -> Void
  ) throws(SafetensorsError) {
    let width = MemoryLayout<Raw>.size
    let length = min(range.count, Self.pieceBytes / width)
    try withUnsafeTemporaryAllocation(of: Raw.self, capacity: length) {
      buffer throws(SafetensorsError) in
      var first = range.lowerBound
      while first < range.upperBound {
        let piece = UnsafeMutableBufferPointer(
          rebasing: buffer[..<min(length, range.upperBound - first)])
        try read(at: first * width, into: UnsafeMutableRawBufferPointer(piece))
        body(piece)
        first += piece.count
      }
    }
  }
}
