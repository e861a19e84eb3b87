import Foundation

/// The bytes of a file, damaged at random in ways that get past the first checks.
package struct DamagedFile {
  /// Whether the file begins with the length of a JSON header.
  private let isSafetensors: Bool
  private let original: [UInt8]

  package init(_ bytes: [UInt8], isSafetensors: Bool) {
    original = bytes
    self.isSafetensors = isSafetensors
  }

  /// What became of the damaged versions of a file.
  package struct Outcome {
    package var loads = 0
    package var refusals = 0
    /// Messages of errors that are not one line, or longer than a person reads.
    package var badMessages: [String] = []
  }

  /// Damages a file of a folder `count` times and loads what it belongs to.
  ///
  /// - Parameter seed: The same seed, the same damage.
  package static func load(
    _ file: String, of folder: TemporaryFolder, damaged count: Int, seed: Int,
    _ load: () throws -> Void
  ) throws -> Outcome {
    let original = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent(file)))
    let damage = DamagedFile(original, isSafetensors: file.hasSuffix(".safetensors"))
    var random = SeededRandom(seed: UInt64(seed))
    var outcome = Outcome()
    for _ in 0..<count {
      try folder.write(damage.damaged(by: &random), to: file)
      do {
        try load()
        outcome.loads += 1
      } catch {
        outcome.refusals += 1
        let message = "\(error)"
        if message.contains("\n") || message.utf8.count >= 4000 {
          outcome.badMessages.append(message)
        }
      }
    }
    return outcome
  }

  private static let tokens = [
    "0", "-1", "1", "3", "268435456", "9223372036854775807", "18446744073709551616", "1e400",
    "1e39",
    "0.5", "null", "true", "[]", "{}", "\"\"", "\"a\"", "[[", "{\"a\":1}", ",", ":", "\\u0000",
    "\"..\"", "\"F16\"", "\"I64\"", "[0,0]", "\".*\"", "\"(a|a?)+$\"", "\"all-linear\"",
  ].map { Array($0.utf8) }

  /// The next damage: bytes changed, taken out or put in, a value replaced by another, a part
  /// repeated, or the end cut off.
  package func damaged(by random: inout SeededRandom) -> [UInt8] {
    var bytes = original
    if isSafetensors, random.next(below: 12) == 0 {
      // The data alone, or the length.
      bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256))
      return bytes
    }
    for _ in 0...random.next(below: 2) {
      let header = isSafetensors ? Self.headerEnd(bytes) : bytes.count
      let first = isSafetensors ? 8 : 0
      guard header > first + 1 else { return bytes }
      let place = first + random.next(below: header - first)
      let before = bytes.count
      switch random.next(below: 8) {
      case 0: bytes[place] = UInt8(random.next(below: 256))
      case 1: bytes[place] ^= 1 << UInt8(random.next(below: 8))
      case 2: bytes.remove(at: place)
      case 3: bytes.insert(UInt8(random.next(below: 128)), at: place)
      case 4:
        let end = min(place + random.next(below: 40), header)
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: end)
      case 5 where random.next(below: 8) == 0: bytes.removeSubrange(place...)
      default: replaceValue(near: place, in: &bytes, first..<header, &random)
      }
      if isSafetensors { Self.setHeaderEnd(&bytes, header + bytes.count - before) }
    }
    return bytes
  }

  /// Replaces the number, word or string at or behind a place.
  private func replaceValue(
    near place: Int, in bytes: inout [UInt8], _ range: Range<Int>, _ random: inout SeededRandom
  ) {
    let marks = Array(",:[]{} \n".utf8)
    guard let first = bytes[place..<range.upperBound].firstIndex(where: { !marks.contains($0) })
    else { return }
    let end =
      bytes[first..<range.upperBound].firstIndex(where: marks.contains) ?? range.upperBound
    bytes.replaceSubrange(first..<end, with: Self.tokens[random.next(below: Self.tokens.count)])
  }

  private static func headerEnd(_ bytes: [UInt8]) -> Int {
    guard bytes.count > 8 else { return 0 }
    let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return length < UInt64(bytes.count - 8) ? 8 + Int(length) : bytes.count
  }

  private static func setHeaderEnd(_ bytes: inout [UInt8], _ end: Int) {
    guard bytes.count >= 8, end >= 8 else { return }
    bytes.replaceSubrange(
      0..<8, with: withUnsafeBytes(of: UInt64(end - 8).littleEndian, Array.init))
  }
}
