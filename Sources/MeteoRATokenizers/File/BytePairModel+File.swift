import MeteoRASafetensors

extension BytePairModel {
  /// Reads the field `model`.
  init(_ field: TokenizerField) throws(TokenizerError) {
    try Self.refuseOtherModels(field)
    try field.refuseMembers(otherThan: [
      "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
      "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges",
    ])
    if try field.optional("dropout") != nil {
      throw field.unsupported("model.dropout", alternative: "null is")
    }
    for affix in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = try field.optional(affix), try !affix.utf8().isEmpty {
        throw field.unsupported("a \(affix.value.path)", alternative: "null and \"\" are")
      }
    }
    let vocabulary = try Self.readVocabulary(try field.required("vocab"))
    var fallback = Fallback()
    if let unknown = try field.optional("unk_token") {
      fallback.unknown = vocabulary.id(of: try unknown.utf8())
    }
    fallback.fusesUnknown = try field.bool("fuse_unk", standard: false)
    if try field.bool("byte_fallback", standard: false) {
      fallback.bytes = Fallback.byteIDs(in: vocabulary)
    }
    self.init(
      vocabulary: vocabulary,
      merges: try Self.readMerges(try field.required("merges"), vocabulary: vocabulary),
      ignoresMerges: try field.bool("ignore_merges", standard: false),
      fallback: fallback)
  }

  /// Files older than the field `type` have none; the library takes those with merges for BPE.
  private static func refuseOtherModels(_ field: TokenizerField) throws(TokenizerError) {
    if try field.optional("type") == nil, try field.optional("merges") != nil { return }
    if try !field.hasType("BPE") {
      throw try field.unsupportedType(of: "model", supported: ["BPE"])
    }
  }

  /// Refuses an `unk_token` without an id, unless no scalar can be unknown.
  ///
  /// The library fails at the first text that needs it. GPT-2's own file has the unk_token "",
  /// which it never needs.
  func checkUnknownToken(of field: TokenizerField, isByteLevel: Bool) throws(TokenizerError) {
    guard let name = try field.optional("unk_token"), fallback.unknown == nil else { return }
    let hasAllBytes = ByteLevelAlphabet.scalars.allSatisfy { scalar in
      Unicode.Scalar(scalar).map { vocabulary.id(of: String($0).utf8) != nil } ?? false
    }
    if isByteLevel && hasAllBytes { return }
    throw name.mismatch(expected: "null or a token of model.vocab")
  }

  // MARK: Vocabulary

  /// The longest token, which bounds what becomes of an id; those in use have a few hundred bytes.
  private static let longestToken = 1 << 16

  private static func readVocabulary(_ field: TokenizerField) throws(TokenizerError) -> Vocabulary {
    let members = try field.members()
    var tokens = ByteStringTable(minimumCapacity: members.count)
    var ids: [UInt32] = []
    ids.reserveCapacity(members.count)
    for (key, value) in members {
      // No key can be there already: the JSON reader refuses duplicates.
      _ = tokens.insert { key.appendUTF8(to: &$0) }
      let length = tokens.range(of: tokens.count - 1).count
      if length > longestToken {
        throw field.unsupported(
          "a token of model.vocab of \(length) bytes", alternative: "at most \(longestToken) are")
      }
      ids.append(UInt32(try field.member(value).integer(in: Vocabulary.idBounds)))
    }
    do throws(Vocabulary.DuplicateID) {
      return try Vocabulary(tokens: tokens, ids: ids)
    } catch {
      let (first, second) = (tokens[error.first], tokens[error.second])
      throw field.malformed(
        "model.vocab gives the id \(error.id) to '\(printable(first))' and to "
          + "'\(printable(second))', expected each id once")
    }
  }

  // MARK: Merges

  private static func readMerges(
    _ field: TokenizerField, vocabulary: Vocabulary
  ) throws(TokenizerError) -> [MergeBorders.Merge] {
    let elements = try field.elements()
    var merges: [MergeBorders.Merge] = []
    merges.reserveCapacity(elements.count)
    var joined: [UInt8] = []
    var nextToken = 0
    for element in elements {
      joined.removeAll(keepingCapacity: true)
      guard let leftCount = try appendParts(of: element, to: &joined) else { continue }
      let ids = joined.withUnsafeBufferPointer { joined in
        (
          left: vocabulary.id(of: UnsafeBufferPointer(rebasing: joined[..<leftCount])),
          right: vocabulary.id(of: UnsafeBufferPointer(rebasing: joined[leftCount...])),
          whole: id(of: joined, near: &nextToken, in: vocabulary)
        )
      }
      if let left = ids.left, let right = ids.right, let whole = ids.whole {
        merges.append((left, right, whole))
        continue
      }
      let missing =
        ids.left == nil
        ? joined[..<leftCount] : ids.right == nil ? joined[leftCount...] : joined[...]
      let verb = ids.left == nil || ids.right == nil ? "joins" : "makes"
      throw element.malformed(
        "\(element.value.path) \(verb) '\(printable(missing))', which is not in model.vocab")
    }
    return merges
  }

  /// The id of a merged token.
  ///
  /// Tokens mostly stand in the order of the merges that make them: it is looked for after the last
  /// one first, where it is found without a hash, and in memory that is at hand.
  private static func id(
    of token: UnsafeBufferPointer<UInt8>, near next: inout Int, in vocabulary: Vocabulary
  ) -> UInt32? {
    for index in next...next + 1 where vocabulary.tokens.isString(index, equalTo: token) {
      next = index
      return vocabulary.ids[index]
    }
    guard let index = vocabulary.tokens.index(of: token) else { return nil }
    next = index
    return vocabulary.ids[index]
  }

  /// Appends the two parts of a merge, spelled `"a b"` or `["a", "b"]`.
  ///
  /// - Returns: The length of the left part; `nil` for the line `#version: …` of old merges files.
  private static func appendParts(
    of merge: TokenizerField, to parts: inout [UInt8]
  ) throws(TokenizerError) -> Int? {
    if merge.value.kind == .array {
      let pair = try merge.elements()
      if pair.count == 2 && pair[0].value.appendUTF8(to: &parts) {
        let leftCount = parts.count
        if pair[1].value.appendUTF8(to: &parts) { return leftCount }
      }
    } else if merge.value.appendUTF8(to: &parts) {
      if parts.starts(with: "#version".utf8) { return nil }
      let space = UInt8(ascii: " ")
      if let place = parts.firstIndex(of: space), parts.lastIndex(of: space) == place {
        parts.remove(at: place)
        return place
      }
    }
    throw merge.mismatch(expected: "two tokens, as \"a b\" or [\"a\", \"b\"]")
  }
}
