/// A step that rewrites the text between added tokens before it is cut into pieces.
///
/// Tokens with `normalized: true` are looked for after it, with their own content rewritten too.
protocol Normalizer: Sendable {
  /// Rewrites UTF-8 into UTF-8.
  func normalize(_ text: [UInt8]) -> [UInt8]
}
