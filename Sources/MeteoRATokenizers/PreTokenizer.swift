/// Text on its way to the model: UTF-8 cut into pieces, which no merge ever crosses.
struct PieceList: Sendable {
  /// The bytes of all pieces, one after the other.
  var bytes: [UInt8]
  /// The end of each piece in `bytes`, ascending; a piece begins where the one before ends.
  var ends: [Int]

  /// One piece.
  init(_ text: some Sequence<UInt8>) {
    bytes = Array(text)
    ends = bytes.isEmpty ? [] : [bytes.count]
  }
}

/// A step that cuts the text between added tokens into pieces, or rewrites the pieces.
///
/// Every segment of text between added tokens goes through all steps in order, beginning as one
/// piece. No step makes empty pieces.
protocol PreTokenizer: Sendable {
  func apply(to pieces: inout PieceList)
}

/// `Split` with the behaviour "Isolated": every match of the pattern becomes a piece.
struct SplitPreTokenizer: PreTokenizer {
  let pattern: SplitPattern

  func apply(to pieces: inout PieceList) {
    var ends: [Int] = []
    ends.reserveCapacity(pieces.ends.count + pieces.bytes.count / 4)
    pieces.bytes.withUnsafeBufferPointer { text in
      var start = 0
      for end in pieces.ends {
        pattern.appendEnds(of: start..<end, in: text, to: &ends)
        start = end
      }
    }
    pieces.ends = ends
  }
}

/// `ByteLevel`: every byte becomes one character of ``ByteLevelAlphabet``.
struct ByteLevelPreTokenizer: PreTokenizer {
  /// Whether a space is put before every piece that does not begin with U+0020.
  let addsPrefixSpace: Bool
  /// Whether the pieces are cut by GPT-2's pattern, after the space is put and before the bytes
  /// are rewritten.
  let splits: Bool

  func apply(to pieces: inout PieceList) {
    if addsPrefixSpace { addSpaces(to: &pieces) }
    if splits { SplitPreTokenizer(pattern: .gpt2).apply(to: &pieces) }
    var rewritten: [UInt8] = []
    rewritten.reserveCapacity(pieces.bytes.count + pieces.bytes.count / 2)
    var start = 0
    for index in pieces.ends.indices {
      let end = pieces.ends[index]
      pieces.bytes.withUnsafeBufferPointer { text in
        let piece = UnsafeBufferPointer(rebasing: text[start..<end])
        ByteLevelAlphabet.append(piece, to: &rewritten)
      }
      pieces.ends[index] = rewritten.count
      start = end
    }
    pieces.bytes = rewritten
  }

  private func addSpaces(to pieces: inout PieceList) {
    var spaced: [UInt8] = []
    spaced.reserveCapacity(pieces.bytes.count + pieces.ends.count)
    var start = 0
    for index in pieces.ends.indices {
      let end = pieces.ends[index]
      if pieces.bytes[start] != UInt8(ascii: " ") { spaced.append(UInt8(ascii: " ")) }
      spaced += pieces.bytes[start..<end]
      pieces.ends[index] = spaced.count
      start = end
    }
    pieces.bytes = spaced
  }
}
