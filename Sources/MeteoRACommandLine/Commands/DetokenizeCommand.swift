import MeteoRASafetensors

extension Command {
  /// `meteora detokenize`.
  static let detokenize = Command(
    name: "detokenize", summary: "Turns token ids in lines of JSON into texts.",
    usage: ["--tokenizer P --input F --output F [OPTIONS]"],
    description: [
      "Reads lines of JSON, each an object with a list \"ids\", and writes for each "
        + "{\"decoded\":…}. Other members of a line are not looked at. An id that names no token is "
        + "an error. Files may be larger than the memory.",
      "With --stream the line also has \"pieces\": the text that comes out after each id when they "
        + "come one at a time, as a model generates them, and what is held back to the end, if "
        + "anything is. Joined, the pieces are the text.",
    ],
    groups: [LineOptions.files, OptionGroup("Text", [LineOptions.skipSpecial, stream])],
    examples: [
      "meteora detokenize --tokenizer Fixtures/demo/base --input in.jsonl --output -",
      "meteora detokenize --tokenizer M --input - --output - --stream",
    ],
    run: { arguments, console in
      let conversion = try LineConversion(arguments, console: console)
      let tokenizer = conversion.tokenizer
      let skips = arguments.isGiven(LineOptions.skipSpecial)
      let streams = arguments.isGiven(stream)
      try conversion.run(expecting: #"{"ids":[1,2]}"#) { line in
        let ids = try line.required("ids").elementsValue().map {
          try $0.integerValue(in: 0...Int(UInt32.max))
        }
        let decoded = try tokenizer.decode(checking: ids, skipSpecialTokens: skips)
        if !streams { return .object([("decoded", .string(decoded))]) }
        var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: skips)
        var pieces = ids.map { decoder.append($0) }
        let rest = decoder.finish()
        if !rest.isEmpty { pieces.append(rest) }
        return .object([
          ("decoded", .string(decoded)), ("pieces", .array(pieces.map { .string($0) })),
        ])
      }
      return .success
    })

  private static let stream = OptionDeclaration(
    flag: "stream", "Also writes the pieces in which the text comes out id by id.")
}
