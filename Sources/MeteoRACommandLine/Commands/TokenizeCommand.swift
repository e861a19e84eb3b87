import MeteoRASafetensors

extension Command {
  /// `meteora tokenize`.
  static let tokenize = Command(
    name: "tokenize", summary: "Turns texts in lines of JSON into token ids.",
    usage: ["--tokenizer P --input F --output F [OPTIONS]"],
    description: [
      "Reads lines of JSON, each an object with a string \"text\", and writes for each "
        + "{\"ids\":[…],\"decoded\":…}: the ids, and their text. Other members of a line are not "
        + "looked at. Files may be larger than the memory.",
      "Special tokens that stand in the text are recognised as the tokenizer's own library "
        + "recognises them: those of a tokenizer.json and of a tiktoken file are, and those of a "
        + "folder with a SentencePiece model for Transformers' LlamaTokenizer; those of such a "
        + "model by itself are text like any other.",
    ],
    groups: [
      LineOptions.files, OptionGroup("Tokens", [noSpecialTokens, LineOptions.skipSpecial]),
    ],
    examples: [
      "meteora tokenize --tokenizer Fixtures/demo/base --input in.jsonl --output -",
      "meteora tokenize --tokenizer M --input - --output - --no-special-tokens",
    ],
    run: { arguments, console in
      let conversion = try LineConversion(arguments, console: console)
      let tokenizer = conversion.tokenizer
      let addsSpecialTokens = !arguments.isGiven(noSpecialTokens)
      let skips = arguments.isGiven(LineOptions.skipSpecial)
      try conversion.run(expecting: #"{"text":"…"}"#) { line in
        let ids = try tokenizer.encode(
          utf8: try line.required("text").utf8Value(), addSpecialTokens: addsSpecialTokens)
        return .object([
          ("ids", .array(ids.map { .integer($0) })),
          ("decoded", .string(tokenizer.decode(ids, skipSpecialTokens: skips))),
        ])
      }
      return .success
    })

  private static let noSpecialTokens = OptionDeclaration(
    flag: "no-special-tokens", "Adds no special tokens, such as BOS at the beginning.")
}
