// The form of a tiktoken file: lines of a token in base64, a space and its rank in decimal.
//
//   IQ== 0
//   Ig== 1

import MeteoRASafetensors

extension TiktokenModel {
  /// What is prepared from a file is several times its size.
  private static let largestFile = 16 << 20
  /// A token has at most this many bytes; Llama 3's longest has 128.
  private static let longestToken = 512
  /// Llama 3's number of tokens. Files with more are those of other models, which cut words and
  /// number special tokens in another way; nothing in the file says so.
  private static let mostTokens = 128_000

  /// Reads and checks a whole tiktoken file.
  init(_ bytes: UnsafeRawBufferPointer, source: String) throws(TokenizerError) {
    if bytes.count > Self.largestFile {
      throw .unsupported(
        source: source, feature: "a tiktoken file of \(bytes.count) bytes",
        alternative: "at most \(Self.largestFile) are")
    }
    tokens = try Self.readTokens(bytes, source: source)
    if tokens.count > Self.mostTokens {
      throw .unsupported(
        source: source, feature: "a tiktoken file of \(tokens.count) tokens",
        alternative: "at most \(Self.mostTokens), those of Llama 3, are")
    }
    let tokens = tokens
    let bytes = (0...255 as ClosedRange<UInt8>).map { byte in
      withUnsafePointer(to: byte) { tokens.index(of: UnsafeBufferPointer(start: $0, count: 1)) }
    }
    if let missing = bytes.firstIndex(where: { $0 == nil }) {
      throw .malformed(
        source: source, problem: "no token is the single byte \(missing), expected all 256")
    }
    byteIDs = bytes.compactMap { $0 }.map { UInt32($0) }
    merges = Self.makeMerges(tokens)
    specialTokens = LlamaSpecialTokens.all.enumerated().map { place, name in
      .plain(id: UInt32(tokens.count + place), content: Array(name.utf8), isSpecial: true)
    }
    specialMatcher = AddedTokenMatcher(specialTokens)
  }

  /// Cuts every token in two at each byte; where both halves are tokens, they merge.
  private static func makeMerges(_ tokens: ByteStringTable) -> MergeTable {
    var pairs: [(left: UInt32, right: UInt32, id: UInt32)] = []
    pairs.reserveCapacity(3 * tokens.count)
    tokens.bytes.withUnsafeBufferPointer { bytes in
      for id in 0..<tokens.count {
        let token = UnsafeBufferPointer(rebasing: bytes[tokens.range(of: id)])
        for split in 1..<max(token.count, 1) {
          guard let left = tokens.index(of: UnsafeBufferPointer(rebasing: token[..<split])),
            let right = tokens.index(of: UnsafeBufferPointer(rebasing: token[split...]))
          else { continue }
          pairs.append((UInt32(left), UInt32(right), UInt32(id)))
        }
      }
    }
    var merges = MergeTable(minimumCapacity: pairs.count)
    for pair in pairs { merges.insert(pair.left, pair.right, rank: pair.id, id: pair.id) }
    return merges
  }

  // MARK: Lines

  /// Whether a token in base64 may begin with the byte.
  static func isBase64(_ byte: UInt8) -> Bool { base64Digits[Int(byte)] != nil }

  /// Reads all lines, in any order, into a table in the order of ranks.
  private static func readTokens(
    _ bytes: UnsafeRawBufferPointer, source: String
  ) throws(TokenizerError) -> ByteStringTable {
    var read: [UInt8] = []
    read.reserveCapacity(bytes.count)
    /// Where the token of each rank stands in `read`, and its line.
    var places: [(range: Range<Int>, line: Int)?] = []
    let largestRank = bytes.count / 4
    var start = 0
    var line = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count && bytes[end] != UInt8(ascii: "\n") { end += 1 }
      line += 1
      defer { start = end + 1 }
      let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      let tokenStart = read.count
      guard let rank = parse(text, token: &read), read.count > tokenStart else {
        throw malformed(
          line, "'\(printable(text, limit: 60))', expected a token in base64, a space and a rank",
          source: source)
      }
      if read.count - tokenStart > longestToken {
        throw .unsupported(
          source: source, feature: "a token of \(read.count - tokenStart) bytes in line \(line)",
          alternative: "at most \(longestToken) are")
      }
      if rank > largestRank {
        throw malformed(
          line, "the rank \(rank), expected ranks from 0 without gaps", source: source)
      }
      while places.count <= rank { places.append(nil) }
      if let earlier = places[rank] {
        throw malformed(
          line, "the rank \(rank), which line \(earlier.line) has, expected each rank once",
          source: source)
      }
      places[rank] = (tokenStart..<read.count, line)
    }
    return try table(of: places, in: read, source: source)
  }

  private static func table(
    of places: [(range: Range<Int>, line: Int)?], in bytes: [UInt8], source: String
  ) throws(TokenizerError) -> ByteStringTable {
    var tokens = ByteStringTable(minimumCapacity: places.count)
    for (rank, place) in places.enumerated() {
      guard let place else {
        throw .malformed(
          source: source, problem: "no line has the rank \(rank), expected ranks without gaps")
      }
      if !tokens.insert({ $0 += bytes[place.range] }) {
        throw malformed(
          place.line, "a token that another line has, expected each token once", source: source)
      }
    }
    return tokens
  }

  private static func malformed(_ line: Int, _ found: String, source: String) -> TokenizerError {
    .malformed(source: source, problem: "line \(line): found \(found)")
  }

  /// Reads a line: appends the token and returns its rank.
  private static func parse(_ line: UnsafeRawBufferPointer, token: inout [UInt8]) -> Int? {
    guard let space = line.firstIndex(of: UInt8(ascii: " ")),
      appendBase64(UnsafeRawBufferPointer(rebasing: line[..<space]), to: &token)
    else { return nil }
    var digits = line[(space + 1)...]
    if digits.last == UInt8(ascii: "\r") { digits.removeLast() }
    if digits.isEmpty || digits.count > 9 { return nil }
    var rank = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      rank = rank * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return rank
  }

  /// Appends the bytes of a text in base64 with padding.
  ///
  /// - Returns: Whether it is such a text.
  private static func appendBase64(
    _ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]
  ) -> Bool {
    if text.count % 4 != 0 { return false }
    var padding = 0
    while padding < 2 && padding < text.count && text[text.count - 1 - padding] == 0x3D {
      padding += 1
    }
    var bits: UInt32 = 0
    for (place, character) in text.enumerated() {
      let isPadding = place >= text.count - padding
      guard let digit = isPadding ? 0 : base64Digits[Int(character)] else { return false }
      bits = bits << 6 | UInt32(digit)
      if place % 4 == 3 {
        bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
        bytes.append(UInt8(truncatingIfNeeded: bits))
      }
    }
    bytes.removeLast(padding)
    return true
  }

  /// The value of each character of base64.
  private static let base64Digits: [UInt8?] = {
    var digits = [UInt8?](repeating: nil, count: 256)
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for (digit, character) in alphabet.utf8.enumerated() { digits[Int(character)] = UInt8(digit) }
    return digits
  }()
}
