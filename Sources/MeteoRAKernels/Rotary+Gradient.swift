/// Rotates heads back, in place: what reaches the input of
/// ``rotate(_:rows:heads:dimension:cos:sin:parallelism:)``.
///
///     dx[i]       = dy[i] · cos + dy[i + d/2] · sin
///     dx[i + d/2] = dy[i + d/2] · cos + (−dy[i]) · sin
///
/// - Parameters: As those of the rotation.
package func rotateBack(
  _ x: UnsafeMutablePointer<Float>, rows: Int, heads: Int, dimension: Int, cos: [Float],
  sin: [Float], parallelism: Parallelism
) {
  rotate(
    x, rows: rows, heads: heads, dimension: dimension, cos: cos, sin: sin.map { -$0 },
    parallelism: parallelism)
}
