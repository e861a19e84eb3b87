import MeteoRASafetensors

/// Reads the field `normalizer`.
func readNormalizer(_ field: TokenizerField?) throws(TokenizerError) -> (any Normalizer)? {
  guard let field else { return nil }
  let steps = try readNormalizerSteps(field)
  try TextGrowth.checkCount(steps.count, of: "a normalizer", in: field)
  return steps.count > 1 ? NormalizerSequence(steps: steps) : steps.first
}

/// Reads a normalizer as steps, with sequences laid flat.
private func readNormalizerSteps(
  _ field: TokenizerField
) throws(TokenizerError) -> [any Normalizer] {
  if try !field.hasType("Sequence") { return [try readNormalizerStep(field)] }
  try field.refuseMembers(otherThan: ["type", "normalizers"])
  var steps: [any Normalizer] = []
  for step in try field.required("normalizers").elements() {
    steps += try readNormalizerSteps(step)
  }
  return steps
}

private func readNormalizerStep(_ field: TokenizerField) throws(TokenizerError) -> any Normalizer {
  if try field.hasType("Replace") {
    return ReplaceNormalizer(replacement: try readReplacement(field))
  }
  if try field.hasType("Prepend") {
    try field.refuseMembers(otherThan: ["type", "prepend"])
    let prefix = try field.required("prepend")
    // The library loses the text's first character over it.
    if try prefix.utf8().isEmpty {
      throw field.unsupported("an empty \(prefix.value.path)", alternative: "a text is")
    }
    return PrependNormalizer(prefix: try prefix.utf8())
  }
  if try field.hasType("Strip") {
    try field.refuseMembers(otherThan: ["type", "strip_left", "strip_right"])
    return StripNormalizer(
      stripsLeft: try field.required("strip_left").bool(),
      stripsRight: try field.required("strip_right").bool())
  }
  for (name, normalizer) in plainNormalizers where try field.hasType(name) {
    try field.refuseMembers(otherThan: ["type"])
    return normalizer
  }
  throw try field.unsupportedType(
    of: "normalizer",
    supported: ["Replace", "Prepend", "Strip"] + plainNormalizers.map(\.name) + ["Sequence"])
}

/// The normalizers without options.
private let plainNormalizers: [(name: String, normalizer: any Normalizer)] = [
  ("NFC", UnicodeNormalizer(form: .nfc)), ("NFD", UnicodeNormalizer(form: .nfd)),
  ("NFKC", UnicodeNormalizer(form: .nfkc)), ("NFKD", UnicodeNormalizer(form: .nfkd)),
  ("Lowercase", LowercaseNormalizer()), ("StripAccents", StripAccentsNormalizer()),
]
