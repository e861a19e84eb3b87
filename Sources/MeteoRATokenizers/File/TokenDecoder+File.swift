/// Reads the field `decoder`.
func readDecoder(_ field: TokenizerField?) throws(TokenizerError) -> any TokenDecoder {
  guard let field else { return JoiningDecoder() }
  if try field.hasType("ByteLevel") {
    try readByteLevelOptions(field)
    return ByteLevelDecoder()
  }
  throw try field.unsupportedType(of: "decoder", supported: ["ByteLevel"])
}
