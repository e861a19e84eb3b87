/// Named tensors, wherever they are: in one file (``SafetensorsFile``) or in the shards of a folder
/// (``SafetensorsCheckpoint``).
public protocol SafetensorsSource: Sendable {
  /// The path of the file or folder, for messages.
  var location: String { get }

  /// All tensors, in the order of their data; shards in the order in which the index names them.
  var tensors: [SafetensorsTensor] { get }

  /// The tensor whose name has these UTF-8 bytes; `nil` if there is none.
  func tensorIfPresent(named name: String) -> SafetensorsTensor?
}

extension SafetensorsSource {
  /// The tensor of a name.
  ///
  /// - Throws: ``SafetensorsError/tensorNotFound(file:tensor:)``.
  public func tensor(named name: String) throws(SafetensorsError) -> SafetensorsTensor {
    guard let tensor = tensorIfPresent(named: name) else {
      throw .tensorNotFound(file: location, tensor: name)
    }
    return tensor
  }

  /// The tensor of a name, of the shape that the caller needs.
  ///
  /// - Throws: ``SafetensorsError/tensorNotFound(file:tensor:)`` or
  ///   ``SafetensorsError/shapeMismatch(file:tensor:expected:actual:)``.
  public func tensor(
    named name: String, shape: [Int]
  ) throws(SafetensorsError) -> SafetensorsTensor {
    let tensor = try tensor(named: name)
    guard tensor.shape == shape else {
      throw .shapeMismatch(file: tensor.file, tensor: name, expected: shape, actual: tensor.shape)
    }
    return tensor
  }
}
