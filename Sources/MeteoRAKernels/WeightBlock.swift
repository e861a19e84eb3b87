/// The number of outputs that lie side by side in a panel of weights.
enum PanelWidth: Int, Sendable {
  case wide = 32
  case medium = 16
  case narrow = 8
}

/// The k range of one call, in elements of x, and where its weights lie.
struct WeightBlock {
  /// The weights of the first k.
  var base: UnsafeRawPointer
  /// Bytes from one k to the next.
  var stride: Int
  var format: WeightFormat
  var width: PanelWidth
  /// Whether all elements are known to be finite.
  var isFinite = false
}
