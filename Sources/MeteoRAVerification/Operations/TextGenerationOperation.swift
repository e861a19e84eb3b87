import MeteoRA
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers

// generate_text:  model, mode; max_new_tokens, no_repeat_ngram_size → every line of the case's
// `.jsonl` files
//
//   {"prompt":…, "prompt_ids":[…], "new_ids":[…], "text":…, "finish_reason":…}
//
// The model's own tokenizer makes the ids of the prompt, with special tokens, and the text of the
// answer: what all ids, without special ones, decode to after the text of the prompt's.

extension CaseRun {
  func textGeneration() throws(VerificationError) -> OperationOutcome {
    let options = try parameters { parameters throws(JSONError) in
      var options = GenerationOptions()
      let counts = 0...4096
      options.maximumNewTokens =
        try parameters.required("max_new_tokens").integerValue(in: counts)
      options.noRepeatNgramSize =
        try parameters.required("no_repeat_ngram_size").integerValue(in: counts)
      return options
    }
    let model = try model()
    let mode = try mode()
    let tokenizer = try meteora { () throws(MeteoRAError) in try model.loadTokenizer() }
    var problems: [String] = []
    for output in golden.outputs {
      let lines = try self.lines(of: output.file, GeneratedLine.init)
      if lines.isEmpty { problems.append("\(output.file) has no line") }
      let prompts = lines.map { tokenizer.encode($0.prompt) }
      let results = try meteora { () throws(MeteoRAError) in
        try model.generate(prompts, mode: mode, options: options)
      }
      for (number, (line, (prompt, result))) in zip(lines, zip(prompts, results)).enumerated() {
        let wrong = line.problems(with: result, after: prompt, tokenizer: tokenizer)
        problems += wrong.map { "\(output.file), line \(number + 1): \($0)" }
      }
    }
    return .problems(problems)
  }
}

/// A prompt and what greedy generation adds to it.
private struct GeneratedLine {
  let prompt: String
  let promptIDs: [Int]
  let newIDs: [Int]
  let text: [UInt8]
  let finishReason: String

  init(_ value: JSONValue) throws(JSONError) {
    prompt = try value.required("prompt").stringValue()
    promptIDs = try value.required("prompt_ids").integersValue(in: 0...Int.max)
    newIDs = try value.required("new_ids").integersValue(in: 0...Int.max)
    text = try value.required("text").utf8Value()
    finishReason = try value.required("finish_reason").stringValue()
  }

  func problems(
    with result: GenerationResult, after prompt: [Int], tokenizer: Tokenizer
  ) -> [String] {
    var problems: [String] = []
    if prompt != promptIDs {
      problems.append("the prompt's ids are \(prompt), expected \(promptIDs)")
    }
    if result.newTokens != newIDs {
      problems.append("the new ids are \(result.newTokens), expected \(newIDs)")
    }
    if result.finishReason.rawValue != finishReason {
      problems.append("it ends by \(result.finishReason.rawValue), expected \(finishReason)")
    }
    let before = tokenizer.decode(prompt, skipSpecialTokens: true)
    let whole = tokenizer.decode(prompt + result.newTokens, skipSpecialTokens: true)
    let added = Array(whole.utf8.dropFirst(before.utf8.count))
    if !whole.utf8.starts(with: before.utf8) || added != text {
      problems.append(
        "the text is '\(printable(added[...]))', expected '\(printable(text[...]))'")
    }
    return problems
  }
}
