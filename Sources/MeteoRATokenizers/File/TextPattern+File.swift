import MeteoRASafetensors

/// Reads the field `pattern` of `Split` and `Replace`: `{"String": …}` or `{"Regex": …}`.
///
/// - Parameter part: The name that errors give the pattern's owner, such as `Split`.
func readPattern(_ field: TokenizerField, of part: String) throws(TokenizerError) -> TextPattern {
  try field.refuseMembers(otherThan: ["String", "Regex"])
  if try field.members().count != 1 {
    throw field.mismatch(expected: "an object with either String or Regex")
  }
  if let string = try field.optional("String") {
    let literal = try string.utf8()
    if literal.isEmpty { throw string.mismatch(expected: "a text that is not empty") }
    return .literal(literal)
  }
  let text = try field.required("Regex").utf8()
  do throws(RegexSyntaxError) {
    return try TextPattern(regex: text)
  } catch {
    throw field.unsupported(
      "the \(part) pattern '\(printable(text, limit: 400))'",
      alternative: "\(error.problem), at byte \(error.offset) of it")
  }
}

/// Reads the fields `pattern` and `content` of `Replace`.
func readReplacement(_ field: TokenizerField) throws(TokenizerError) -> TextReplacement {
  try field.refuseMembers(otherThan: ["type", "pattern", "content"])
  return TextReplacement(
    pattern: try readPattern(try field.required("pattern"), of: "Replace"),
    content: try field.required("content").utf8())
}
