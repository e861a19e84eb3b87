import MeteoRASafetensors

/// The pieces of a SentencePiece model by text and by id; the id of a piece is its place.
struct SentencePieceVocabulary: Sendable {
  /// A piece has less than this many bytes, as in the library.
  private static let byteBound = 8000
  /// Pieces that merging can make have at most this many characters here.
  static let longestMergedPiece = 64

  /// The texts, distinct.
  let texts: ByteStringTable
  let types: [SentencePieceFile.PieceType]
  let scores: [Float]
  /// The piece that stands for what has none.
  let unknownID: UInt32
  /// The pieces `<0x00>` … `<0xFF>`, if characters without a piece become their bytes.
  let byteIDs: [UInt32]?

  /// Checks the pieces as the library does, and that their texts are UTF-8.
  init(
    _ file: SentencePieceFile, in bytes: UnsafeRawBufferPointer, source: String
  ) throws(TokenizerError) {
    var checker = Checker(file: file, source: source)
    var texts = ByteStringTable(minimumCapacity: file.pieces.count)
    for (id, piece) in file.pieces.enumerated() {
      try checker.check(piece, id: id, in: bytes)
      let text = bytes[piece.text]
      if !texts.insert({ $0.append(contentsOf: text) }) {
        throw checker.malformed(id, "is there already, expected each piece once", in: bytes)
      }
    }
    self.texts = texts
    types = file.pieces.map(\.type)
    scores = file.pieces.map(\.score)
    (unknownID, byteIDs) = try checker.finish()
  }

  var count: Int { types.count }

  func id(of text: some Collection<UInt8>) -> UInt32? {
    Array(text).withUnsafeBufferPointer { texts.index(of: $0) }.map { UInt32($0) }
  }

  /// The type of an id; `nil` if no piece has it.
  func type(of id: Int) -> SentencePieceFile.PieceType? {
    types.indices.contains(id) ? types[id] : nil
  }

  /// Whether merging can make the piece.
  func isMergeable(_ id: Int) -> Bool {
    switch types[id] {
    case .normal, .userDefined, .unused: return true
    case .unknown, .control, .byte: return false
    }
  }

  /// The byte that a text of the form `<0xHH>` names.
  static func byte(named text: some Collection<UInt8>) -> UInt8? {
    guard text.count == 6, text.starts(with: "<0x".utf8),
      text.suffix(1).elementsEqual(">".utf8)
    else {
      return nil
    }
    var value: UInt8 = 0
    for digit in text.dropFirst(3).prefix(2) {
      let isLetter = digit >= UInt8(ascii: "A") && digit <= UInt8(ascii: "F")
      guard isLetter || (digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "9")) else {
        return nil
      }
      value = value << 4 | (digit - (isLetter ? UInt8(ascii: "A") - 10 : UInt8(ascii: "0")))
    }
    return value
  }

  // MARK: Checks

  private struct Checker {
    let file: SentencePieceFile
    let source: String
    var unknown: Int?
    var byteIDs = [UInt32?](repeating: nil, count: 256)

    init(file: SentencePieceFile, source: String) {
      self.file = file
      self.source = source
    }

    mutating func check(
      _ piece: SentencePieceFile.Piece, id: Int, in bytes: UnsafeRawBufferPointer
    ) throws(TokenizerError) {
      let text = bytes[piece.text]
      if text.isEmpty { throw malformed(id, "has no text, expected at least one byte", in: bytes) }
      if text.count >= SentencePieceVocabulary.byteBound {
        throw malformed(id, "has \(text.count) bytes, expected less than 8000", in: bytes)
      }
      if text.contains(0) {
        throw malformed(id, "holds the character U+0000, expected none", in: bytes)
      }
      if text.withUnsafeBytes({ UTF8Text.firstBreak(in: $0.bindMemory(to: UInt8.self)) }) != nil {
        throw malformed(id, "is not UTF-8, expected UTF-8", in: bytes)
      }
      switch piece.type {
      case .normal, .unused:
        if piece.score.isNaN {
          throw malformed(id, "has the score NaN, expected a number", in: bytes)
        }
        let length = text.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
        if length > SentencePieceVocabulary.longestMergedPiece {
          throw .unsupported(
            source: source, feature: "piece \(id) of \(length) characters",
            alternative: "pieces of at most \(SentencePieceVocabulary.longestMergedPiece) are")
        }
      case .unknown:
        if let unknown {
          throw malformed(id, "is of type unknown as piece \(unknown), expected one", in: bytes)
        }
        unknown = id
      case .byte:
        if !file.hasByteFallback {
          throw malformed(id, "is a byte, expected none as byte_fallback is false", in: bytes)
        }
        guard let byte = SentencePieceVocabulary.byte(named: text) else {
          throw malformed(id, "is of type byte, expected a text such as '<0x0A>'", in: bytes)
        }
        byteIDs[Int(byte)] = UInt32(id)
      case .control:
        break
      case .userDefined:
        if text.count > 1024 {
          throw .unsupported(
            source: source, feature: "piece \(id), a user-defined symbol of \(text.count) bytes,",
            alternative: "at most 1024 are")
        }
      }
    }

    func finish() throws(TokenizerError) -> (unknown: UInt32, bytes: [UInt32]?) {
      guard let unknown else {
        throw .malformed(
          source: source,
          problem: "none of \(file.pieces.count) pieces is of type unknown, expected one")
      }
      if !file.hasByteFallback { return (UInt32(unknown), nil) }
      if let missing = byteIDs.firstIndex(where: { $0 == nil }) {
        throw .malformed(
          source: source,
          problem: "no piece is the byte \(missing), expected all 256 as byte_fallback is true")
      }
      return (UInt32(unknown), byteIDs.compactMap { $0 })
    }

    func malformed(
      _ id: Int, _ problem: String, in bytes: UnsafeRawBufferPointer
    ) -> TokenizerError {
      let piece = file.pieces[id]
      let text = printable(bytes[piece.text], limit: 60)
      return .malformed(
        source: source, problem: "byte \(piece.offset): piece \(id) '\(text)' \(problem)")
    }
  }
}
