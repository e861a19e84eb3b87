import MeteoRASafetensors

/// Reads the field `decoder`.
func readDecoder(_ field: TokenizerField?) throws(TokenizerError) -> any TokenDecoder {
  guard let field else { return JoiningDecoder() }
  let steps = try readDecoderSteps(field)
  try TextGrowth.checkCount(steps.count, of: "a decoder", in: field)
  var growth = TextGrowth()
  for step in steps.reversed() { step.precede(&growth) }
  try growth.check("a decoder", of: field)
  if steps.count == 1, case .byteLevel = steps[0] { return ByteLevelDecoder() }
  return SequenceDecoder(steps: steps)
}

/// Reads a decoder as steps, with sequences laid flat.
private func readDecoderSteps(_ field: TokenizerField) throws(TokenizerError) -> [DecoderStep] {
  if try field.hasType("Sequence") {
    try field.refuseMembers(otherThan: ["type", "decoders"])
    var steps: [DecoderStep] = []
    for step in try field.required("decoders").elements() { steps += try readDecoderSteps(step) }
    return steps
  }
  if try field.hasType("ByteLevel") {
    try readByteLevelOptions(field)
    return [.byteLevel]
  }
  if try field.hasType("Metaspace") {
    let options = try MetaspaceOptions(field)
    return [
      .metaspace(
        replacement: options.replacement, dropsFirst: options.prependScheme != .never)
    ]
  }
  if try field.hasType("Replace") { return [.replace(try readReplacement(field))] }
  if try field.hasType("Strip") {
    try field.refuseMembers(otherThan: ["type", "content", "start", "stop"])
    return [
      .strip(
        content: try readScalar(try field.required("content")),
        start: try field.required("start").integer(in: 0...Int(UInt32.max)),
        stop: try field.required("stop").integer(in: 0...Int(UInt32.max)))
    ]
  }
  for (name, step) in [("ByteFallback", DecoderStep.byteFallback), ("Fuse", .fuse)]
  where try field.hasType(name) {
    try field.refuseMembers(otherThan: ["type"])
    return [step]
  }
  throw try field.unsupportedType(
    of: "decoder",
    supported: [
      "ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip", "Sequence",
    ])
}
