import MeteoRASafetensors

/// Pieces back to text, one at a time.
///
/// - Control pieces give nothing, the unknown piece gives the model's surface for it.
/// - ▁ becomes a space. The ▁ of the first piece that gives text is dropped, if the model puts one
///   there or trims spaces; in the second case also those of pieces that so become empty.
/// - Bytes give a character as soon as they make one; a byte that belongs to no character gives one
///   U+FFFD, the good characters around it stay. Any other piece ends a run of bytes.
struct SentencePieceDecoder: TokenizerBackendDecoder {
  private let model: SentencePieceModel
  /// Bytes that begin a character.
  private var pending: [UInt8] = []
  private var hasText = false
  private var hasDroppedSpace = false

  init(model: SentencePieceModel) { self.model = model }

  mutating func append(_ id: Int, to text: inout [UInt8]) {
    guard let type = model.vocabulary.type(of: id) else { return }
    let piece = model.vocabulary.texts[id]
    if type == .byte {
      guard let byte = SentencePieceVocabulary.byte(named: piece) else { return }
      pending.append(byte)
      appendCharacters(to: &text, isComplete: false)
      return
    }
    appendCharacters(to: &text, isComplete: true)
    let length = text.count
    switch type {
    case .control, .byte: break
    case .unknown: text += model.unknownSurface
    case .normal, .userDefined, .unused: append(piece, to: &text)
    }
    if text.count > length { hasText = true }
  }

  private mutating func append(_ piece: ArraySlice<UInt8>, to text: inout [UInt8]) {
    var piece = piece
    let isFirst = !hasText && !hasDroppedSpace
    let trims = model.normalizer.removesExtraSpaces
    if isFirst && (trims || model.normalizer.addsDummyPrefix),
      piece.starts(with: SentencePieceNormalizer.space)
    {
      piece = piece.dropFirst(SentencePieceNormalizer.space.count)
      hasDroppedSpace = !trims
    }
    piece.withUnsafeBufferPointer { piece in
      var position = 0
      while position < piece.count {
        if piece[position] == 0xE2 && SentencePieceNormalizer.isSpace(at: position, in: piece) {
          text.append(UInt8(ascii: " "))
          position += 3
        } else {
          text.append(piece[position])
          position += 1
        }
      }
    }
  }

  mutating func finish(to text: inout [UInt8]) { appendCharacters(to: &text, isComplete: true) }

  /// Appends the characters of ``pending``, and U+FFFD for what no byte can complete any more.
  private mutating func appendCharacters(to text: inout [UInt8], isComplete: Bool) {
    if pending.isEmpty { return }
    let length = text.count
    var position = 0
    pending.withUnsafeBufferPointer { bytes in
      while position < bytes.count {
        switch UTF8Text.sequence(at: position, in: bytes) {
        case .character(let length):
          text.append(
            contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<position + length]))
          position += length
        case .unfinished where !isComplete:
          return
        case .broken, .unfinished:
          text.append(contentsOf: UTF8Text.replacement)
          position += 1
        }
      }
    }
    pending.removeFirst(position)
    if text.count > length { hasText = true }
  }
}
