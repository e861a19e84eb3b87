// TextGrowth: how long the steps of a tokenizer can make a text, known when its file is opened.
//
//   step 1 ─▶ step 2 ─▶ … ─▶ the last        weights: from the last step to the first
//
// Every byte has a weight: no text becomes longer than its bytes weigh together. After the last
// step each weighs 1. Before a step that writes a text for each match, the bytes of a match weigh
// as much
// together as that text does after it. A few rules such as "a" ─▶ "aa" in a row would fill any
// memory otherwise.

/// The most that steps can make of each byte of a text.
struct TextGrowth {
  /// What files can make of a text: this many times its length, as far as can be told without the
  /// text: the worst of each step counts, whether one text can have them all or not. Most texts do
  /// not grow by half, and NFKC makes 11 times as much of U+FDFA; with small letters and ▁ before
  /// every piece a file counts 76.
  static let largest = 128.0
  /// Steps of one kind that a file can have. No file in use has a quarter of them.
  static let mostSteps = 64

  private var weights = [Double](repeating: 1, count: 256)
  /// What comes in front of every piece of the text.
  private var perPiece = 0.0
  /// The normal forms that count already, and the weights after them, as long as nothing between
  /// them writes what another form makes longer.
  private var normalForms: (areCompatible: Bool, weights: [Double])?

  /// How many times its own length a text can become, pieces being a byte or more.
  var factor: Double { (weights.max() ?? 1) + perPiece }

  /// What a text that a step writes can become.
  private func weight(of text: [UInt8]) -> Double {
    var weights = weights
    if let normalForms, Self.isNormal(text) { weights = normalForms.weights }
    return text.reduce(0) { $0 + weights[Int($1)] }
  }

  // MARK: Steps

  /// Goes before a step that writes a text for every match of a pattern.
  mutating func replace(_ pattern: TextPattern, with content: [UInt8]) {
    let weight = weight(of: content)
    Self.raise(&weights, pattern, to: weight)
    if let (areCompatible, after) = normalForms, Self.isNormal(content) {
      var after = after
      Self.raise(&after, pattern, to: weight)
      normalForms = (areCompatible, after)
    } else {
      normalForms = nil
    }
  }

  private static func raise(_ weights: inout [Double], _ pattern: TextPattern, to weight: Double) {
    switch pattern {
    case .literal(let literal):
      let share = weight / Double(literal.bytes.count)
      for byte in Set(literal.bytes) { weights[Int(byte)] = max(weights[Int(byte)], share) }
    case .scalars, .words:
      weights = weights.map { max($0, weight) }
    case .regex(let regex):
      for byte in weights.indices where regex.canBegin(with: UInt8(byte)) {
        weights[byte] = max(weights[byte], weight)
      }
    }
  }

  /// Whether no normal form makes a text longer.
  private static func isNormal(_ text: [UInt8]) -> Bool {
    UnicodeNormalization.shared.normalize(text, form: .nfkd) == text
  }

  /// Goes before a step that writes a text in front of every piece.
  mutating func prepend(_ text: [UInt8]) {
    perPiece += weight(of: text)
    if !Self.isNormal(text) { normalForms = nil }
  }

  /// Goes before a step that can make a piece of every byte.
  mutating func cut() {
    for byte in weights.indices { weights[byte] += perPiece }
    perPiece = 0
  }

  /// Goes before a normal form. Of several in a row, with small letters or without, one grows.
  mutating func normalize(_ form: NormalizationForm) {
    let isCompatible = form == .nfkc || form == .nfkd
    if let normalForms, normalForms.areCompatible || !isCompatible { return }
    let before = normalForms?.weights ?? weights
    normalForms = (isCompatible, before)
    weights = Self.rewritten(before, by: isCompatible ? Self.compatibleForms : Self.canonicalForms)
  }

  /// Goes before a step that makes letters small.
  mutating func makeSmall() {
    weights = Self.rewritten(weights, by: Self.smallLetters)
    if let (areCompatible, before) = normalForms {
      normalForms = (areCompatible, Self.rewritten(before, by: Self.smallLetters))
    }
  }

  /// What becomes of one byte at most: so many bytes of ASCII and so many others.
  private typealias Yield = (ascii: Double, others: Double)

  // Of U+0390 and others; of U+01D5 and others.
  private static let canonicalForms: [Yield] = [(0, 3), (0.5, 2)]
  // Of U+FDFA; of U+33AF.
  private static let compatibleForms: [Yield] = [(1, 10), (5.0 / 3, 1)]
  // Of U+023A and others; of U+0130.
  private static let smallLetters: [Yield] = [(0, 1.5), (0.5, 1)]

  /// ASCII stays one byte: a normal form leaves it alone, and capitals become small.
  private static func rewritten(_ weights: [Double], by yields: [Yield]) -> [Double] {
    // None of these steps writes a control character.
    let ascii = weights[0x20..<0x7F].max() ?? 1
    let others = weights[0x80...].max() ?? 1
    let most = yields.map { $0.ascii * ascii + $0.others * others }.max() ?? 1
    return weights.indices.map { byte in
      switch byte {
      case 0x41...0x5A: max(weights[byte], weights[byte + 0x20])
      case ..<0x80: weights[byte]
      default: most
      }
    }
  }

  /// Goes before a step that can write this many bytes of any value for each byte.
  mutating func multiply(by longest: Double) {
    normalForms = nil
    let largest = weights.max() ?? 1
    weights = [Double](repeating: largest * longest, count: weights.count)
  }

  /// Goes before a step that writes the characters of ``ByteLevelAlphabet`` for all bytes.
  mutating func encodeByteLevel() {
    normalForms = nil
    let after = self
    for byte in UInt8.min...UInt8.max {
      var encoded: [UInt8] = []
      withUnsafePointer(to: byte) {
        ByteLevelAlphabet.append(UnsafeBufferPointer(start: $0, count: 1), to: &encoded)
      }
      weights[Int(byte)] = after.weight(of: encoded)
    }
  }
}
