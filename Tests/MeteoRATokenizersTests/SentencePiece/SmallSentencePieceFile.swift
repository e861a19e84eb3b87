import MeteoRATokenizers

/// A SentencePiece model of a few pieces, of which a test changes what it is about.
struct SmallSentencePieceFile {
  /// One entry of the vocabulary; 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
  struct Piece {
    var text: [UInt8]
    var score: Float = 0
    var type: UInt64 = 1

    init(_ text: String, _ score: Float = 0, type: UInt64 = 1) {
      (self.text, self.score, self.type) = (Array(text.utf8), score, type)
    }

    var message: ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, text)
      message.add(2, score)
      if type != 1 { message.add(3, type) }
      return message
    }
  }

  var pieces = [
    Piece("<unk>", type: 2), Piece("<s>", type: 3), Piece("</s>", type: 3), Piece("a", -3),
    Piece("b", -4), Piece("ab", -1), Piece("▁", -5), Piece("▁a", -2),
  ]
  var trainer = ProtobufMessage()
  var normalizer = ProtobufMessage()

  init() {
    trainer.add(3, 2 as UInt64)
    normalizer.add(4, 0 as UInt64)
  }

  var bytes: [UInt8] {
    var file = ProtobufMessage()
    for piece in pieces { file.add(1, piece.message.bytes) }
    file.add(2, trainer.bytes)
    file.add(3, normalizer.bytes)
    return file.bytes
  }

  /// Adds the 256 bytes and byte fallback.
  mutating func addBytes() {
    trainer.add(35, 1 as UInt64)
    for byte in 0...255 {
      let digits = String(byte, radix: 16, uppercase: true)
      pieces.append(Piece(byte < 16 ? "<0x0\(digits)>" : "<0x\(digits)>", type: 6))
    }
  }

  func load() throws(TokenizerError) -> Tokenizer { try Tokenizer(model: bytes) }
}

/// A message in the wire format of Protocol Buffers.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ number: UInt64, _ value: UInt64) {
    appendVarint(number << 3)
    appendVarint(value)
  }

  mutating func add(_ number: UInt64, _ value: Float) {
    appendVarint(number << 3 | 5)
    for shift in [0, 8, 16, 24] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
    }
  }

  mutating func add(_ number: UInt64, _ value: [UInt8]) {
    appendVarint(number << 3 | 2)
    appendVarint(UInt64(value.count))
    bytes += value
  }

  mutating func append(raw: [UInt8]) { bytes += raw }

  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
