// SentencePieceFile: what a SentencePiece model file says, field by field.
//
//   ModelProto      1 pieces*   2 trainer_spec   3 normalizer_spec   5 denormalizer_spec
//   piece           1 text   2 score   3 type
//   trainer_spec    3 model_type   24 treat_whitespace_as_suffix   35 byte_fallback
//                   44 unk_surface   45 unk_piece   46 bos_piece   47 eos_piece
//   normalizer_spec 2 precompiled_charsmap   3 add_dummy_prefix   4 remove_extra_whitespaces
//                   5 escape_whitespaces
//
// As in every protobuf message, order is free, the last value of a field holds, a message given
// twice is merged, and fields that are not listed are skipped: those were for training.

/// The content of a SentencePiece model file.
struct SentencePieceFile {
  /// What a piece is for.
  enum PieceType: UInt64 {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  /// One entry of the vocabulary; its id is its place.
  struct Piece {
    /// Where the text stands in the file.
    var text = 0..<0
    /// The higher, the earlier it is merged.
    var score: Float = 0
    var type = PieceType.normal
    /// Where the entry begins in the file.
    var offset = 0
  }

  /// How a text is prepared, or what came out is rewritten.
  struct NormalizerFields {
    var charsmap = 0..<0
    var addsDummyPrefix = true
    var removesExtraSpaces = true
    var escapesSpaces = true
  }

  private(set) var pieces: [Piece] = []
  private(set) var normalizer = NormalizerFields()
  /// How decoded text is rewritten; only its map is of interest.
  private(set) var denormalizer = NormalizerFields()
  /// 1 unigram, 2 BPE, 3 word, 4 char.
  private(set) var modelType: UInt64 = 1
  private(set) var hasByteFallback = false
  private(set) var putsSpaceLast = false
  private(set) var unknownSurface: Range<Int>?
  private(set) var unknownPiece: Range<Int>?
  private(set) var beginPiece: Range<Int>?
  private(set) var endPiece: Range<Int>?

  private let source: String

  /// Reads the fields; what they mean together is checked by ``SentencePieceVocabulary``.
  init(_ bytes: UnsafeRawBufferPointer, source: String) throws(TokenizerError) {
    self.source = source
    var reader = ProtobufReader(bytes, range: 0..<bytes.count, source: source)
    while let field = try reader.next() {
      switch field.number {
      case 1: try readPiece(in: bytes, try message(field, "pieces"), offset: field.offset)
      case 2: try readTrainer(in: bytes, try message(field, "trainer_spec"))
      case 3: try read(&normalizer, in: bytes, try message(field, "normalizer_spec"))
      case 5: try read(&denormalizer, in: bytes, try message(field, "denormalizer_spec"))
      default: break
      }
    }
  }

  private mutating func readPiece(
    in bytes: UnsafeRawBufferPointer, _ range: Range<Int>, offset: Int
  ) throws(TokenizerError) {
    var piece = Piece(offset: offset)
    var reader = ProtobufReader(bytes, range: range, source: source)
    while let field = try reader.next() {
      switch field.number {
      case 1: piece.text = try message(field, "piece")
      case 2:
        guard case .fourBytes(let pattern) = field.value else { throw wrongType(field, "score") }
        piece.score = Float(bitPattern: pattern)
      case 3:
        // A reader of Protocol Buffers takes a value that is not in its list for an unknown field.
        if let type = PieceType(rawValue: try varint(field, "type")) { piece.type = type }
      default: break
      }
    }
    pieces.append(piece)
  }

  private mutating func readTrainer(
    in bytes: UnsafeRawBufferPointer, _ range: Range<Int>
  ) throws(TokenizerError) {
    var reader = ProtobufReader(bytes, range: range, source: source)
    while let field = try reader.next() {
      switch field.number {
      case 3:
        let type = try varint(field, "trainer_spec.model_type")
        if (1...4).contains(type) { modelType = type }
      case 24: putsSpaceLast = try bool(field, "trainer_spec.treat_whitespace_as_suffix")
      case 35: hasByteFallback = try bool(field, "trainer_spec.byte_fallback")
      case 44: unknownSurface = try message(field, "trainer_spec.unk_surface")
      case 45: unknownPiece = try message(field, "trainer_spec.unk_piece")
      case 46: beginPiece = try message(field, "trainer_spec.bos_piece")
      case 47: endPiece = try message(field, "trainer_spec.eos_piece")
      default: break
      }
    }
  }

  private func read(
    _ fields: inout NormalizerFields, in bytes: UnsafeRawBufferPointer, _ range: Range<Int>
  ) throws(TokenizerError) {
    var reader = ProtobufReader(bytes, range: range, source: source)
    while let field = try reader.next() {
      switch field.number {
      case 2: fields.charsmap = try message(field, "precompiled_charsmap")
      case 3: fields.addsDummyPrefix = try bool(field, "add_dummy_prefix")
      case 4: fields.removesExtraSpaces = try bool(field, "remove_extra_whitespaces")
      case 5: fields.escapesSpaces = try bool(field, "escape_whitespaces")
      default: break
      }
    }
  }

  // MARK: Values

  private func message(
    _ field: ProtobufReader.Field, _ name: String
  ) throws(TokenizerError) -> Range<Int> {
    guard case .bytes(let range) = field.value else { throw wrongType(field, name) }
    return range
  }

  private func varint(
    _ field: ProtobufReader.Field, _ name: String
  ) throws(TokenizerError) -> UInt64 {
    guard case .varint(let value) = field.value else { throw wrongType(field, name) }
    return value
  }

  private func bool(_ field: ProtobufReader.Field, _ name: String) throws(TokenizerError) -> Bool {
    try varint(field, name) != 0
  }

  private func wrongType(_ field: ProtobufReader.Field, _ name: String) -> TokenizerError {
    let found: String
    switch field.value {
    case .varint: found = "0 (an integer)"
    case .eightBytes: found = "1 (eight bytes)"
    case .fourBytes: found = "5 (four bytes)"
    case .bytes: found = "2 (length and bytes)"
    }
    return .malformed(
      source: source,
      problem: "byte \(field.offset): field \(field.number), \(name), has the wire type \(found), "
        + "expected that of its type")
  }
}
