/// The weights of a panel from some k on: where they lie, and how.
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
