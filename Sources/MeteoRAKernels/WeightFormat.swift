/// The number format that a weight is stored in; every one is widened exactly to binary32 when it
/// is used.
public enum WeightFormat: String, Sendable, CaseIterable {
  case float32
  case bfloat16
  case float16

  /// Bytes an element.
  public var byteWidth: Int { self == .float32 ? 4 : 2 }
}
