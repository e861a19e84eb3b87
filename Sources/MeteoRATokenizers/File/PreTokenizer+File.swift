import MeteoRASafetensors

/// Reads the field `normalizer`: none is supported yet, only their absence.
func readNormalizer(_ field: TokenizerField?) throws(TokenizerError) -> (any Normalizer)? {
  guard let field else { return nil }
  if try field.hasType("Sequence") {
    try field.refuseMembers(otherThan: ["type", "normalizers"])
    for step in try field.required("normalizers").elements() { _ = try readNormalizer(step) }
    return nil
  }
  throw try field.unsupportedType(of: "normalizer", supported: ["null"])
}

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
  throw try field.unsupportedType(
    of: "pre_tokenizer", supported: ["Split", "ByteLevel", "Sequence"])
}

private func readSplit(_ field: TokenizerField) throws(TokenizerError) -> SplitPreTokenizer {
  try field.refuseMembers(otherThan: ["type", "pattern", "behavior", "invert"])
  let behavior = try field.required("behavior")
  if !behavior.value.equals("Isolated") {
    let name = String(decoding: try behavior.utf8(), as: UTF8.self)
    throw field.unsupported("Split behavior '\(printable(name))'", alternative: "Isolated is")
  }
  if try field.required("invert").bool() {
    throw field.unsupported("Split with invert true", alternative: "false is")
  }
  let pattern = try field.required("pattern")
  try pattern.refuseMembers(otherThan: ["Regex"])
  let regex = try pattern.required("Regex").utf8()
  guard let known = SplitPattern(regex: regex) else {
    throw field.unsupported(
      "Split pattern '\(printable(regex, limit: 400))'",
      alternative: "those of GPT-2, Llama 3 and Qwen2 are")
  }
  return SplitPreTokenizer(pattern: known)
}

/// Reads the fields that `ByteLevel` has as pre-tokenizer, post-processor and decoder.
///
/// The last two use none of them: in the library they only move offsets, which are not computed here.
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
