import MeteoRASafetensors

/// Reads the field `post_processor`, with sequences laid flat.
///
/// - Parameter isKnown: Whether a token has the id.
func readPostProcessors(
  _ field: TokenizerField?, isKnown: (Int) -> Bool
) throws(TokenizerError) -> [any PostProcessor] {
  guard let field else { return [] }
  if try field.hasType("Sequence") {
    try field.refuseMembers(otherThan: ["type", "processors"])
    var steps: [any PostProcessor] = []
    for step in try field.required("processors").elements() {
      steps += try readPostProcessors(step, isKnown: isKnown)
    }
    // The library applies a second template to what the first made as to a pair of texts.
    if steps.count > 1 {
      throw field.unsupported("a second TemplateProcessing", alternative: "one is")
    }
    return steps
  }
  if try field.hasType("ByteLevel") {
    try readByteLevelOptions(field)
    return []
  }
  if try field.hasType("TemplateProcessing") { return [try readTemplate(field, isKnown: isKnown)] }
  throw try field.unsupportedType(
    of: "post_processor", supported: ["ByteLevel", "TemplateProcessing", "Sequence"])
}

/// Reads the template for single texts; that for pairs has no use here.
private func readTemplate(
  _ field: TokenizerField, isKnown: (Int) -> Bool
) throws(TokenizerError) -> TemplatePostProcessor {
  try field.refuseMembers(otherThan: ["type", "single", "pair", "special_tokens"])
  let specials = try readSpecialTokens(try field.required("special_tokens"), isKnown: isKnown)
  _ = try field.required("pair").elements()
  var parts: [TemplatePostProcessor.Part] = []
  for piece in try field.required("single").elements() {
    try piece.refuseMembers(otherThan: ["SpecialToken", "Sequence"])
    if try piece.members().count != 1 {
      throw piece.mismatch(expected: "an object with either SpecialToken or Sequence")
    }
    if let token = try piece.optional("SpecialToken") {
      let id = try token.required("id")
      guard let ids = specials[try id.utf8()] else {
        throw id.mismatch(expected: "a key of post_processor.special_tokens")
      }
      parts.append(.special(ids))
    } else {
      let sequence = try piece.required("Sequence").required("id")
      guard sequence.value.equals("A") else {
        throw sequence.mismatch(expected: "\"A\", the only text there is")
      }
      parts.append(.text)
    }
  }
  try checkSize(of: parts, in: field)
  return TemplatePostProcessor(parts: parts)
}

/// The ids that a template may add to a text; those in use add one or two.
private let mostSpecialTokens = 1024
/// How often a template may repeat a text; those in use have it once.
private let mostRepetitions = 4

private func checkSize(
  of parts: [TemplatePostProcessor.Part], in field: TokenizerField
) throws(TokenizerError) {
  var (texts, specials) = (0, 0)
  for part in parts {
    switch part {
    case .text: texts += 1
    case .special(let ids): specials += ids.count
    }
  }
  if specials > mostSpecialTokens {
    throw field.unsupported(
      "a post_processor that adds \(specials) ids", alternative: "at most \(mostSpecialTokens) are")
  }
  if texts > mostRepetitions {
    throw field.unsupported(
      "a post_processor that has the text \(texts) times",
      alternative: "at most \(mostRepetitions) times is")
  }
}

private func readSpecialTokens(
  _ field: TokenizerField, isKnown: (Int) -> Bool
) throws(TokenizerError) -> [[UInt8]: [Int]] {
  var specials: [[UInt8]: [Int]] = [:]
  for (key, value) in try field.members() {
    let entry = field.member(value)
    try entry.refuseMembers(otherThan: ["id", "ids", "tokens"])
    let ids = try entry.required("ids")
    let tokens = try entry.required("tokens").elements()
    var known: [Int] = []
    for element in try ids.elements() {
      let id = try element.integer(in: Vocabulary.idBounds)
      if !isKnown(id) { throw element.mismatch(expected: "the id of a token") }
      known.append(id)
    }
    if tokens.count != known.count {
      throw ids.mismatch(expected: "as many ids as tokens, which are \(tokens.count)")
    }
    if let name = key.utf8 { specials[name] = known }
  }
  return specials
}
