/// What the input of an adapter is multiplied by while it is trained: 0 or 1 / (1 − p), one mask for
/// every row and adapter.
package struct LoRADropout: Sendable {
  /// Writes the mask of some columns of a row for an adapter; the same whenever it is asked.
  package typealias Mask =
    @Sendable (
      _ row: Int, _ adapter: Int, _ columns: Range<Int>, _ target: UnsafeMutablePointer<Float>
    ) -> Void

  package let mask: Mask

  package init(_ mask: @escaping Mask) {
    self.mask = mask
  }

  /// Writes `x[k] · mask[k]` of a whole row.
  func apply(
    to x: UnsafePointer<Float>, row: Int, adapter: Int, width: Int,
    target: UnsafeMutablePointer<Float>
  ) {
    mask(row, adapter, 0..<width, target)
    for k in 0..<width { target[k] = x[k] * target[k] }
  }
}
