import MeteoRASafetensors

/// How many tensors of what types a file or folder holds.
public struct TensorTotals: Sendable, Equatable {
  /// The tensors of one type.
  public struct Share: Sendable, Equatable {
    /// The type.
    public var dtype: SafetensorsDType
    /// Tensors of this type.
    public var tensors: Int
    /// Elements of those tensors.
    public var elements: Int
    /// Size of the data.
    public var bytes: Int
  }

  /// By type, in the order in which the `safetensors` package sorts them.
  public let shares: [Share]

  /// All tensors.
  public var tensors: Int { shares.reduce(0) { $0 + $1.tensors } }
  /// Elements of all tensors.
  public var elements: Int { shares.reduce(0) { $0 + $1.elements } }
  /// Bytes of all tensors' data.
  public var bytes: Int { shares.reduce(0) { $0 + $1.bytes } }

  /// Counts the tensors of a file or folder.
  public init(_ source: any SafetensorsSource) {
    self.init(source.tensors)
  }

  init(_ tensors: [SafetensorsTensor]) {
    var shares: [SafetensorsDType: Share] = [:]
    // The sums stay below the size of the files, which fits.
    for tensor in tensors {
      var share =
        shares[tensor.dtype] ?? Share(dtype: tensor.dtype, tensors: 0, elements: 0, bytes: 0)
      share.tensors += 1
      share.elements += tensor.elementCount
      share.bytes += tensor.byteCount
      shares[tensor.dtype] = share
    }
    self.shares = SafetensorsDType.allCases.compactMap { shares[$0] }
  }
}
