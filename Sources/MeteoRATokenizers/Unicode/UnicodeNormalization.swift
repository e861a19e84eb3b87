// UnicodeNormalization: the forms NFC, NFD, NFKC and NFKD of Unicode 16.0.0.
//
//   scalars ─▶ full decomposition ─▶ marks in canonical order ─▶ (NFC, NFKC) composition
//
// Source: Unicode Standard Annex #15 and chapter 3.11 of the standard; Hangul by arithmetic.

import MeteoRASafetensors

/// A Unicode normalization form.
enum NormalizationForm: Sendable {
  case nfc, nfd, nfkc, nfkd

  var composes: Bool { self == .nfc || self == .nfkc }
  var isCompatible: Bool { self == .nfkc || self == .nfkd }

  /// Below this, every scalar is normalized in this form and composes with nothing before it.
  var firstAffected: UInt32 {
    switch self {
    case .nfc: 0x300
    case .nfd: 0xC0
    case .nfkc, .nfkd: 0xA0
    }
  }
}

/// The tables of normalization, and the algorithm.
struct UnicodeNormalization: Sendable {
  static let shared = UnicodeNormalization()

  /// Place << 8 | count of a scalar's full decomposition in ``parts``; 0 if it has none.
  private var canonical = ScalarMap()
  private var compatible = ScalarMap()
  private var parts: [UInt32] = []
  private var combiningClasses = ScalarMap()
  /// The composition of two scalars, by first << 32 | second.
  private var compositions: [UInt64: UInt32] = [:]

  private init() {
    readCombiningClasses()
    readDecompositions()
  }

  private mutating func readCombiningClasses() {
    var reader = UnicodeTableReader(UnicodeMappingTables.combiningClasses)
    var scalar = 0
    while let gap = reader.next(), let length = reader.next(), let found = reader.next() {
      scalar += gap
      for marked in scalar..<scalar + length { combiningClasses[UInt32(marked)] = UInt32(found) }
      scalar += length
    }
  }

  private mutating func readDecompositions() {
    var reader = UnicodeTableReader(UnicodeMappingTables.decompositions)
    var direct: [UInt32: (parts: [UInt32], isCompatible: Bool)] = [:]
    var scalar = 0
    var part = 0
    while let gap = reader.next(), let head = reader.next() {
      scalar += gap
      var parts: [UInt32] = []
      for _ in 0..<head >> 2 {
        part += reader.nextSigned() ?? 0
        parts.append(UInt32(part))
      }
      if head & 2 != 0 { compositions[Self.pair(parts[0], parts[1])] = UInt32(scalar) }
      direct[UInt32(scalar)] = (parts, head & 1 != 0)
    }
    for scalar in direct.keys.sorted() {
      compatible[scalar] = store(Self.expanded(scalar, by: direct, compatibly: true))
      if direct[scalar]?.isCompatible == false {
        canonical[scalar] = store(Self.expanded(scalar, by: direct, compatibly: false))
      }
    }
  }

  /// Decompositions of decompositions; Unicode's table has no cycles and is four levels deep.
  private static func expanded(
    _ scalar: UInt32, by direct: [UInt32: (parts: [UInt32], isCompatible: Bool)], compatibly: Bool
  ) -> [UInt32] {
    guard let entry = direct[scalar], compatibly || !entry.isCompatible else { return [scalar] }
    return entry.parts.flatMap { expanded($0, by: direct, compatibly: compatibly) }
  }

  private mutating func store(_ scalars: [UInt32]) -> UInt32 {
    let place = UInt32(parts.count)
    parts += scalars
    return place << 8 | UInt32(scalars.count)
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
    UInt64(first) << 32 | UInt64(second)
  }

  // MARK: Normalizing

  /// Rewrites a text, which is valid UTF-8.
  ///
  /// - Complexity: O(n log n) in the longest run of marks, O(n) beside.
  func normalize(_ text: [UInt8], form: NormalizationForm) -> [UInt8] {
    if isUnaffected(text, by: form) { return text }
    var scalars = decomposed(text, compatibly: form.isCompatible)
    order(&scalars)
    if form.composes { compose(&scalars) }
    var normalized: [UInt8] = []
    normalized.reserveCapacity(text.count)
    for scalar in scalars { UTF8Text.append(scalar, to: &normalized) }
    return normalized
  }

  private func isUnaffected(_ text: [UInt8], by form: NormalizationForm) -> Bool {
    text.withUnsafeBufferPointer { text in
      var position = 0
      while position < text.count {
        if text[position] < 0x80 {
          position += 1
          continue
        }
        let (scalar, length) = UTF8Text.scalar(at: position, in: text)
        if scalar >= form.firstAffected { return false }
        position += length
      }
      return true
    }
  }

  private func decomposed(_ text: [UInt8], compatibly: Bool) -> [UInt32] {
    let map = compatibly ? compatible : canonical
    var scalars: [UInt32] = []
    scalars.reserveCapacity(text.count)
    text.withUnsafeBufferPointer { text in
      var position = 0
      while position < text.count {
        let (scalar, length) = UTF8Text.scalar(at: position, in: text)
        position += length
        if scalar < 0xA0 {
          scalars.append(scalar)
        } else if Hangul.syllables.contains(scalar) {
          Hangul.appendParts(of: scalar, to: &scalars)
        } else {
          let span = map[scalar]
          if span == 0 {
            scalars.append(scalar)
          } else {
            let place = Int(span >> 8)
            scalars += parts[place..<place + Int(span & 0xFF)]
          }
        }
      }
    }
    return scalars
  }

  /// Sorts every run of marks by combining class; marks of one class keep their order.
  private func order(_ scalars: inout [UInt32]) {
    var start = 0
    while start < scalars.count {
      if scalars[start] < 0x300 || combiningClasses[scalars[start]] == 0 {
        start += 1
        continue
      }
      var end = start
      var keys: [UInt64] = []
      while end < scalars.count {
        let found = combiningClasses[scalars[end]]
        if found == 0 { break }
        keys.append(UInt64(found) << 32 | UInt64(end - start))
        end += 1
      }
      if keys.count > 1 {
        let run = Array(scalars[start..<end])
        for (offset, key) in keys.sorted().enumerated() {
          scalars[start + offset] = run[Int(key & 0xFFFF_FFFF)]
        }
      }
      start = end
    }
  }

  /// Joins every scalar with the starter before it, where the pair composes and nothing between
  /// them blocks it.
  private func compose(_ scalars: inout [UInt32]) {
    var count = 0
    var starter: Int?
    var lastClass: UInt32 = 0
    for index in scalars.indices {
      let scalar = scalars[index]
      let found = combiningClasses[scalar]
      if let starter, starter == count - 1 || lastClass < found,
        let whole = composition(of: scalars[starter], scalar)
      {
        scalars[starter] = whole
        continue
      }
      if found == 0 { starter = count }
      lastClass = found
      scalars[count] = scalar
      count += 1
    }
    scalars.removeSubrange(count...)
  }

  private func composition(of first: UInt32, _ second: UInt32) -> UInt32? {
    if second < 0x300 { return nil }
    return Hangul.composition(of: first, second) ?? compositions[Self.pair(first, second)]
  }
}

/// The 11172 syllables of Hangul, which are made of two or three letters by arithmetic.
private enum Hangul {
  static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3
  private static let leads: ClosedRange<UInt32> = 0x1100...0x1112
  private static let vowels: ClosedRange<UInt32> = 0x1161...0x1175
  private static let tails: ClosedRange<UInt32> = 0x11A8...0x11C2

  static func appendParts(of syllable: UInt32, to scalars: inout [UInt32]) {
    let index = syllable - syllables.lowerBound
    scalars.append(leads.lowerBound + index / 588)
    scalars.append(vowels.lowerBound + index % 588 / 28)
    if index % 28 != 0 { scalars.append(tails.lowerBound - 1 + index % 28) }
  }

  static func composition(of first: UInt32, _ second: UInt32) -> UInt32? {
    if leads.contains(first) && vowels.contains(second) {
      let pair = (first - leads.lowerBound) * 21 + second - vowels.lowerBound
      return syllables.lowerBound + pair * 28
    }
    if syllables.contains(first) && (first - syllables.lowerBound) % 28 == 0
      && tails.contains(second)
    {
      return first + second - tails.lowerBound + 1
    }
    return nil
  }
}
