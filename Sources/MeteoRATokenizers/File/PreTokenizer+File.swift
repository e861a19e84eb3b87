import MeteoRASafetensors

/// Reads the field `pre_tokenizer`, with sequences laid flat.
func readPreTokenizers(_ field: TokenizerField?) throws(TokenizerError) -> [any PreTokenizer] {
  guard let field else { return [] }
  if try field.hasType("Sequence") {
    try field.refuseMembers(otherThan: ["type", "pretokenizers"])
    var steps: [any PreTokenizer] = []
    for step in try field.required("pretokenizers").elements() {
      steps += try readPreTokenizers(step)
    }
    return steps
  }
  if try field.hasType("Split") { return [try readSplit(field)] }
  if try field.hasType("ByteLevel") {
    let options = try readByteLevelOptions(field)
    return [
      ByteLevelPreTokenizer(addsPrefixSpace: options.addsPrefixSpace, splits: options.usesRegex)
    ]
  }
  if try field.hasType("Metaspace") {
    let options = try MetaspaceOptions(field)
    return [
      MetaspacePreTokenizer(
        replacement: options.replacement, prependScheme: options.prependScheme,
        splits: options.splits)
    ]
  }
  if try field.hasType("Digits") {
    try field.refuseMembers(otherThan: ["type", "individual_digits"])
    let areSingle = try field.required("individual_digits").bool()
    return [
      SplitPreTokenizer(.scalars(ScalarTable(.numeric)), areSingle ? .isolated : .contiguous)
    ]
  }
  if try field.hasType("Punctuation") {
    try field.refuseMembers(otherThan: ["type", "behavior"])
    var behavior = SplitBehavior.isolated
    if let other = try field.optional("behavior") { behavior = try readBehavior(other) }
    return [SplitPreTokenizer(.scalars(ScalarTable(.punctuation)), behavior)]
  }
  if let steps = try readWhiteSpace(field) { return steps }
  throw try field.unsupportedType(
    of: "pre_tokenizer",
    supported: [
      "Split", "ByteLevel", "Metaspace", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit",
      "Sequence",
    ])
}

/// `WhitespaceSplit` removes white space; `Whitespace` also parts words from what is between them.
private func readWhiteSpace(
  _ field: TokenizerField
) throws(TokenizerError) -> [any PreTokenizer]? {
  let partsWords = try field.hasType("Whitespace")
  let onlyRemoves = try field.hasType("WhitespaceSplit")
  if !partsWords && !onlyRemoves { return nil }
  try field.refuseMembers(otherThan: ["type"])
  let removal = SplitPreTokenizer(.scalars(ScalarTable(.white)), .removed)
  let parting = SplitPreTokenizer(.scalars(ScalarTable(.word)), .contiguous)
  return partsWords ? [removal, parting] : [removal]
}

private func readSplit(_ field: TokenizerField) throws(TokenizerError) -> SplitPreTokenizer {
  try field.refuseMembers(otherThan: ["type", "pattern", "behavior", "invert"])
  return SplitPreTokenizer(
    try readPattern(try field.required("pattern"), of: "Split"),
    try readBehavior(try field.required("behavior")),
    isInverted: try field.required("invert").bool())
}

private func readBehavior(_ field: TokenizerField) throws(TokenizerError) -> SplitBehavior {
  _ = try field.utf8()
  for behavior in SplitBehavior.allCases where field.value.equals(behavior.rawValue) {
    return behavior
  }
  throw field.mismatch(
    expected: "one of " + SplitBehavior.allCases.map(\.rawValue).joined(separator: ", "))
}

/// Reads the fields that `ByteLevel` has as pre-tokenizer, post-processor and decoder.
///
/// The last two use none of them: in the library they only move offsets, which are not computed
/// here.
@discardableResult
func readByteLevelOptions(
  _ field: TokenizerField
) throws(TokenizerError) -> (addsPrefixSpace: Bool, usesRegex: Bool) {
  try field.refuseMembers(otherThan: ["type", "add_prefix_space", "trim_offsets", "use_regex"])
  _ = try field.required("trim_offsets").bool()
  return (
    try field.required("add_prefix_space").bool(), try field.bool("use_regex", standard: true)
  )
}

/// The fields that `Metaspace` has as pre-tokenizer and as decoder.
struct MetaspaceOptions {
  let replacement: [UInt8]
  let prependScheme: PrependScheme
  let splits: Bool

  /// Old files say `add_prefix_space` for `prepend_scheme`, and repeat the character as `str_rep`.
  init(_ field: TokenizerField) throws(TokenizerError) {
    try field.refuseMembers(otherThan: [
      "type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep",
    ])
    replacement = try readScalar(try field.required("replacement"))
    if let scheme = try field.optional("prepend_scheme") {
      prependScheme = try Self.readScheme(scheme)
    } else {
      prependScheme = .always
    }
    // The library does not know what to make of `false` without `never`, and refuses it too.
    if let addsSpace = try field.optional("add_prefix_space"), try !addsSpace.bool(),
      prependScheme != .never
    {
      throw addsSpace.mismatch(expected: "true, or prepend_scheme \"never\" beside it")
    }
    splits = try field.bool("split", standard: true)
    _ = try field.optional("str_rep")?.utf8()
  }

  private static func readScheme(_ field: TokenizerField) throws(TokenizerError) -> PrependScheme {
    for scheme in PrependScheme.allCases where field.value.equals(scheme.rawValue) {
      return scheme
    }
    throw field.mismatch(expected: "\"always\", \"first\" or \"never\"")
  }
}

/// Reads a text of one scalar, as UTF-8.
func readScalar(_ field: TokenizerField) throws(TokenizerError) -> [UInt8] {
  let utf8 = try field.utf8()
  let isOne = utf8.withUnsafeBufferPointer { utf8 in
    !utf8.isEmpty && UTF8Text.sequence(at: 0, in: utf8) == .character(length: utf8.count)
  }
  if !isOne { throw field.mismatch(expected: "one character") }
  return utf8
}
