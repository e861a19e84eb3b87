/// Adds the gradients of rows to those of the tokens that they are of: for rows ascending,
/// `dE[id] = dE[id] + dy`.
///
/// - Parameters:
///   - dy: `[ids.count, width]`.
///   - target: `[vocabulary, width]`.
package func addEmbeddingGradient(
  _ dy: UnsafePointer<Float>, ids: some Sequence<Int>, width: Int,
  to target: UnsafeMutablePointer<Float>
) {
  for (row, id) in ids.enumerated() {
    addElements(dy + row * width, to: target + id * width, count: width)
  }
}
