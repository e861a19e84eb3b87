import MeteoRASafetensors

/// A step that rewrites the text between added tokens before it is cut into pieces.
///
/// Tokens with `normalized: true` are looked for after it, with their own content rewritten too.
protocol Normalizer: Sendable {
  /// Rewrites UTF-8 into UTF-8.
  func normalize(_ text: [UInt8]) -> [UInt8]
  /// Whether the first scalar of a text can be lost, so that what is left begins later in the text.
  var canRemoveBegin: Bool { get }
  /// Whether one scalar can become several, all of which then stand at its place.
  var canExpand: Bool { get }
  /// Takes into account what the step can make of a text, given what the steps after it can.
  func precede(_ growth: inout TextGrowth)
}

/// `Sequence`: one step after the other.
struct NormalizerSequence: Normalizer {
  let steps: [any Normalizer]

  func normalize(_ text: [UInt8]) -> [UInt8] { steps.reduce(text) { $1.normalize($0) } }
  var canRemoveBegin: Bool { steps.contains { $0.canRemoveBegin } }
  var canExpand: Bool { steps.contains { $0.canExpand } }
  func precede(_ growth: inout TextGrowth) {
    for step in steps.reversed() { step.precede(&growth) }
  }
}

/// `Prepend`: a text in front of every text that is not empty.
struct PrependNormalizer: Normalizer {
  let prefix: [UInt8]

  func normalize(_ text: [UInt8]) -> [UInt8] { text.isEmpty ? text : prefix + text }
  var canRemoveBegin: Bool { false }
  var canExpand: Bool { true }
  func precede(_ growth: inout TextGrowth) { growth.prepend(prefix) }
}

/// `Replace`: every match of a pattern becomes the same text.
struct ReplaceNormalizer: Normalizer {
  let replacement: TextReplacement

  func normalize(_ text: [UInt8]) -> [UInt8] { replacement.apply(to: text) }
  // The library lets what replaces several scalars begin where the last of them stood.
  var canRemoveBegin: Bool {
    replacement.content.isEmpty || !replacement.pattern.matchesOneScalar
  }
  var canExpand: Bool {
    replacement.content.dropFirst().contains { $0 & 0xC0 != 0x80 }
  }
  func precede(_ growth: inout TextGrowth) {
    growth.replace(replacement.pattern, with: replacement.content)
  }
}

/// `NFC`, `NFD`, `NFKC` and `NFKD`.
struct UnicodeNormalizer: Normalizer {
  let form: NormalizationForm

  func normalize(_ text: [UInt8]) -> [UInt8] {
    UnicodeNormalization.shared.normalize(text, form: form)
  }
  var canRemoveBegin: Bool { false }
  var canExpand: Bool { true }
  func precede(_ growth: inout TextGrowth) { growth.normalize(form) }
}

/// `Lowercase`.
struct LowercaseNormalizer: Normalizer {
  func normalize(_ text: [UInt8]) -> [UInt8] { LowerCase.shared.lowercased(text) }
  var canRemoveBegin: Bool { false }
  var canExpand: Bool { true }
  func precede(_ growth: inout TextGrowth) { growth.makeSmall() }
}

/// `Strip`: removes white space at the ends of a text.
struct StripNormalizer: Normalizer {
  let stripsLeft: Bool
  let stripsRight: Bool

  func normalize(_ text: [UInt8]) -> [UInt8] {
    let range = text.withUnsafeBufferPointer { text in
      var start = 0
      var end = text.count
      while stripsLeft && start < end {
        let (scalar, length) = UTF8Text.scalar(at: start, in: text)
        if !Self.white.contains(scalar) { break }
        start += length
      }
      while stripsRight && end > start {
        let before = UTF8Text.start(before: end, in: text)
        if !Self.white.contains(UTF8Text.scalar(at: before, in: text).scalar) { break }
        end = before
      }
      return start..<end
    }
    return range.count == text.count ? text : Array(text[range])
  }
  var canRemoveBegin: Bool { stripsLeft }
  var canExpand: Bool { false }
  func precede(_ growth: inout TextGrowth) {}

  private static let white = ScalarTable(.white)
}

/// `StripAccents`: removes all marks, general category M.
struct StripAccentsNormalizer: Normalizer {
  func normalize(_ text: [UInt8]) -> [UInt8] {
    TextReplacement(pattern: .scalars(Self.marks), content: []).apply(to: text)
  }
  var canRemoveBegin: Bool { true }
  var canExpand: Bool { false }
  func precede(_ growth: inout TextGrowth) {}

  private static let marks = ScalarTable(.mark)
}
