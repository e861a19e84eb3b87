import MeteoRASafetensors

/// A tensor of a case: read from a pack, or made by an operation.
struct GoldenTensor: Sendable {
  /// Its elements, row-major.
  enum Elements: Sendable {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
  }

  /// Outermost size first; empty for a scalar.
  let shape: [Int]
  let elements: Elements

  init(_ elements: [Float], shape: [Int]) {
    self.shape = shape
    self.elements = .float32(elements)
  }

  init(_ elements: [Int64], shape: [Int]) {
    self.shape = shape
    self.elements = .int64(elements)
  }

  /// Reads a tensor: floats of up to 32 bits widened exactly, binary64 as it is, integers as I64.
  init(_ tensor: SafetensorsTensor) throws(SafetensorsError) {
    shape = tensor.shape
    switch tensor.dtype {
    case .f64: elements = .float64(try tensor.float64Values())
    case .f32, .bf16, .f16, .f8E4M3, .f8E5M2: elements = .float32(try tensor.float32Values())
    default: elements = .int64(try tensor.int64Values())
    }
  }

  /// What the elements are, for messages.
  var typeName: String {
    switch elements {
    case .float32: "F32"
    case .float64: "F64"
    case .int64: "I64"
    }
  }

  /// What the elements of a stored tensor are compared as.
  static func typeName(of dtype: SafetensorsDType) -> String {
    switch dtype {
    case .f64: "F64"
    case .f32, .bf16, .f16, .f8E4M3, .f8E5M2: "F32"
    default: "I64"
    }
  }

  /// Type and shape, for messages.
  var form: String { "\(typeName) \(shape)" }
}
