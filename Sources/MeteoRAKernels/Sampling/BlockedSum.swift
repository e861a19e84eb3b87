import MeteoRAMath

/// The dot product of the contract with ones, one element after the other, known after each.
///
/// It never falls while elements of at least 0 are added.
struct BlockedSum {
  private var total: Float = 0
  private var block: Float = 0
  private var count = 0

  /// The dot product of what was added with as many ones.
  var value: Float { total + block }

  mutating func add(_ element: Float) {
    block += element
    count += 1
    if count == DotProduct.blockLength {
      total += block
      (block, count) = (0, 0)
    }
  }
}
