/// The element types of safetensors that this package takes.
public enum SafetensorsDType: Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// Unsigned, signed, IEEE and complex numbers of the bits named; `bf16` is bfloat16, `f8E4M3` has
  /// no infinities ("fn"), `bool` is a byte.
  // In the order in which the `safetensors` package sorts tensors by type when it writes.
  case u64, i64, f64, c64, f32, u32, i32, bf16, f16, u16, i16, f8E4M3, f8E5M2, i8, u8, bool

  /// The name in a file's header.
  public var name: String {
    switch self {
    case .u64: return "U64"
    case .i64: return "I64"
    case .f64: return "F64"
    case .c64: return "C64"
    case .f32: return "F32"
    case .u32: return "U32"
    case .i32: return "I32"
    case .bf16: return "BF16"
    case .f16: return "F16"
    case .u16: return "U16"
    case .i16: return "I16"
    case .f8E4M3: return "F8_E4M3"
    case .f8E5M2: return "F8_E5M2"
    case .i8: return "I8"
    case .u8: return "U8"
    case .bool: return "BOOL"
    }
  }

  /// The size of an element in bytes.
  public var byteCount: Int {
    switch self {
    case .u64, .i64, .f64, .c64: return 8
    case .f32, .u32, .i32: return 4
    case .bf16, .f16, .u16, .i16: return 2
    case .f8E4M3, .f8E5M2, .i8, .u8, .bool: return 1
    }
  }

  /// The type of a name in a header; `nil` for any other spelling.
  public init?(name: String) {
    guard let dtype = Self.allCases.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      return nil
    }
    self = dtype
  }

  public var description: String { name }

  /// The place in the writing order.
  var writingRank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// The number of elements and bytes of a tensor; `nil` if a size is negative or a product
  /// overflows, multiplied in the order of the shape as the `safetensors` package does.
  func size(of shape: [Int]) -> (elements: Int, bytes: Int)? {
    var elements = 1
    for size in shape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: size)
      if size < 0 || overflow { return nil }
      elements = product
    }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: byteCount)
    return overflow ? nil : (elements, bytes)
  }
}
