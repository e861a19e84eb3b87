import MeteoRASafetensors
import MeteoRATokenizers

/// The places in a text at which its tokens begin.
///
/// They are found by decoding: what has come out before a token ends where it begins. A decoder
/// holds back what a later token could still change, and that is of two kinds. The begin of a
/// character: the token is then taken to begin where the character does, which is in the same span.
/// And a run of tokens `<0xHH>`, which are one byte each.
struct TokenStarts {
  let tokenizer: Tokenizer

  /// The first byte of each token, ascending; the end of the text of one that spells nothing there.
  ///
  /// - Parameters:
  ///   - ids: The ids of `text`, without special tokens.
  ///   - text: UTF-8.
  /// - Throws: ``Misspelling`` if the tokens do not spell the text.
  func starts(of ids: [Int], in text: [UInt8]) throws(Misspelling) -> [Int] {
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
    var starts: [Int] = []
    starts.reserveCapacity(ids.count)
    var spelled = 0
    var heldBytes = 0
    for id in ids {
      starts.append(spelled + heldBytes)
      let piece = decoder.append(id)
      if piece.isEmpty {
        if isByte(id) { heldBytes += 1 }
        continue
      }
      guard text[spelled...].starts(with: piece.utf8) else {
        throw Misspelling(bytes: spelled)
      }
      spelled += piece.utf8.count
      heldBytes = 0
    }
    let rest = decoder.finish()
    // More than the bytes: a decoder that holds back everything, so that no start is known.
    guard rest.utf8.count == heldBytes, text[spelled...].elementsEqual(rest.utf8) else {
      throw Misspelling(bytes: spelled)
    }
    return starts
  }

  /// Tokens that are not the text which they came from.
  struct Misspelling: Error {
    /// What they spell as it is.
    let bytes: Int
  }

  /// Whether a token is spelled `<0xHH>`.
  private func isByte(_ id: Int) -> Bool {
    guard let token = tokenizer.token(of: id)?.utf8 else { return false }
    return token.count == 6 && token.starts(with: "<0x".utf8) && token.last == UInt8(ascii: ">")
  }
}
