import MeteoRASafetensors

/// The steps that the patterns of one configuration may still take, over all modules that they are
/// tried on.
///
/// A file decides both the patterns and, by the layers that it has tensors of, the modules. What a
/// pattern may take at most is far more than it does take, so steps are counted as they are taken.
struct PatternWork {
  /// About a second.
  static let largest = 1 << 27

  /// What it takes to try a pattern at all.
  static let attempt = 8

  /// Negative once there are none left, after which nothing that matches is of any worth.
  private(set) var remaining = largest
  /// For messages.
  let file: String

  init(file: String) {
    self.file = file
  }

  mutating func take(_ steps: Int) { remaining -= steps }

  var isExhausted: Bool { remaining < 0 }

  /// - Parameter pattern: The one that was tried last.
  func exhausted(by pattern: String, field: String) -> MeteoRAError {
    .pattern(
      file: file, field: field, pattern: pattern,
      problem: "takes, with what is tried before it, more than \(Self.largest) steps over all "
        + "modules")
  }
}
