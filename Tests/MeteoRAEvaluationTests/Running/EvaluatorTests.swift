import MeteoRA
import MeteoRATraining
import Testing

@testable import MeteoRAEvaluation

@Suite("Trying a model on test sets")
struct EvaluatorTests {
  static let modes: [EvaluationMode] = [
    .model(.routed), .model(.noAdapters), .model(.singleAdapter("rhymes")),
    .model(.routedAmong(.only(["rhymes", "capitals"]))), .labels,
  ]

  @Test("answers are those of a generation without special tokens, each prompt by itself")
  func answers() throws {
    let model = try EvaluationExample.model()
    let tokenizer = try model.loadTokenizer()
    var options = GenerationOptions()
    options.maximumNewTokens = 7
    let set = try EvaluationExample().set()
    for mode in [MeteoRAModel.Mode.routed, .noAdapters, .singleAdapter("rhymes")] {
      let result = try Evaluator(model).result(of: set, mode: .model(mode))
      #expect(result.task == "reverse")
      #expect(result.mode == .model(mode))
      #expect(result.answers.count == EvaluationExample.lines.count)
      for (answer, sample) in zip(result.answers, set.samples) {
        #expect(answer.prompt.utf8.elementsEqual(sample.prompt))
        let prompt = tokenizer.encode(answer.prompt, addSpecialTokens: false)
        let expected = try model.generate([prompt], mode: mode, options: options)[0]
        var text = ContinuedText(after: prompt, tokenizer: tokenizer)
        let joined = expected.newTokens.map { text.append($0) }.joined() + text.finish()
        #expect(answer.response == joined)
        #expect(answer.finishReason == expected.finishReason)
        #expect(answer.reference == "x")
      }
    }
  }

  @Test("neither batches nor threads change a result", arguments: modes)
  func invariance(mode: EvaluationMode) throws {
    let model = try EvaluationExample.model()
    let set = try EvaluationExample().set(adapters: model.adapterNames)
    let expected = try Evaluator(model, batchSize: 1).result(of: set, mode: mode)
    #expect(Set(expected.answers.map(\.response)).count > 5)
    for (batchSize, threads) in [(1, 2), (3, 1), (3, 2), (4, 5), (64, 1), (64, 2)] {
      let other = model.with(parallelism: try Parallelism(threads: threads))
      #expect(
        try Evaluator(other, batchSize: batchSize).result(of: set, mode: mode) == expected)
    }
  }

  @Test("without spans labels are the task's adapter, which then runs alone")
  func labelsOfTask() throws {
    let model = try EvaluationExample.model()
    let example = try EvaluationExample()
    let evaluator = try Evaluator(model)
    let labelled = try evaluator.result(
      of: example.set(adapters: model.adapterNames), mode: .labels)
    let alone = try evaluator.result(
      of: example.set(), mode: .model(.singleAdapter(EvaluationExample.task)))
    #expect(labelled.answers == alone.answers)
  }

  @Test("each row takes the adapter that the next token's span names", arguments: [false, true])
  func labelsOfSpans(isOfAdapter: Bool) throws {
    let model = try EvaluationExample.model()
    let tokenizer = try model.loadTokenizer()
    // Of the prompt's words one for translate, of the answer's bytes four each for capitals, for
    // nobody or the task, and for rhymes.
    let task = isOfAdapter ? "reverse" : "mixed"
    let example = try EvaluationExample(
      [
        #"{"prompt":"the capital of france","response":"abcdefghijklmn","spans":["#
          + #"{"task":"translate","start":3,"end":11},{"task":"capitals","start":21,"end":25},"#
          + #"{"task":"rhymes","start":29,"end":35}]}"#
      ], task: task, description: #"{"metric":"exact_case","max_new_tokens":16}"#)
    let result = try Evaluator(model).result(
      of: example.set(task: task, adapters: model.adapterNames), mode: .labels)

    let outside = isOfAdapter ? "reverse" : nil
    let prompt = tokenizer.encode("the capital of france", addSpecialTokens: false)
    var start = 0
    let owners = prompt.map { id -> String? in
      defer { start += tokenizer.decode([id], skipSpecialTokens: false).utf8.count }
      return (3..<11).contains(start) ? "translate" : outside
    }
    #expect(start == 21 && Set(owners).count == 2)
    var given = AssignedPrompt(tokens: prompt, adapters: owners.dropFirst() + ["capitals"])
    var text = ContinuedText(after: prompt, tokenizer: tokenizer)
    var answer = ""
    let width = model.base.configuration.vocabularySize
    for _ in 0..<16 {
      let logits = Array(try model.logits(of: given).suffix(width))
      let id = try #require(logits.indices.max { logits[$0] < logits[$1] })
      answer += text.append(id)
      given.tokens.append(id)
      given.adapters.append(
        answer.utf8.count < 4 ? "capitals" : answer.utf8.count < 8 ? outside : "rhymes")
    }
    #expect(!answer.utf8.contains(0x0A) && answer.utf8.count > 10)
    #expect(result.answers[0].response == answer + text.finish())
    #expect(result.answers[0].items == [])
  }

  @Test("BOS stands before a prompt if it is asked for")
  func addsBegin() throws {
    let model = try EvaluationExample.model()
    let set = try EvaluationExample().set(adapters: model.adapterNames)
    let begin = try #require(try model.loadTokenizer().beginID)
    for mode in [EvaluationMode.model(.routed), .labels] {
      let plain = try Evaluator(model).result(of: set, mode: mode)
      let result = try Evaluator(model, addsBegin: true).result(of: set, mode: mode)
      #expect(result.answers != plain.answers)
    }
    let tokenizer = try model.loadTokenizer()
    let result = try Evaluator(model, addsBegin: true).result(of: set, mode: .model(.routed))
    let ids = [begin] + tokenizer.encode(result.answers[0].prompt, addSpecialTokens: false)
    var options = GenerationOptions()
    options.maximumNewTokens = 1
    let first = try model.generate([ids], options: options)[0].newTokens
    var text = ContinuedText(after: ids, tokenizer: tokenizer)
    #expect(result.answers[0].response.hasPrefix(text.append(first[0])))
  }

  @Test("progress counts all answers, and a wish to stop ends it")
  func progress() throws {
    let evaluator = try Evaluator(EvaluationExample.model(), batchSize: 4)
    let set = try EvaluationExample().set()
    var counts: [Int] = []
    let result = try evaluator.result(
      of: set, mode: .model(.routed), onProgress: { counts.append($0.count) })
    #expect(counts == [4, 8, 11])
    #expect(result.answers.count == 11)
    for passes in [0, 11, 12, 20] {
      var asked = 0
      #expect(throws: EvaluationError.cancelled) {
        try evaluator.result(
          of: set, mode: .model(.routed),
          shouldStop: {
            asked += 1
            return asked > passes
          })
      }
    }
  }

  @Test("a right answer is one by the metric of the task, and limits leave out the rest")
  func scores() throws {
    let model = try EvaluationExample.model()
    let evaluator = try Evaluator(model)
    let first = try evaluator.result(of: EvaluationExample().set(), mode: .model(.routed))
    let lines = first.answers.enumerated().map { index, answer in
      let response = index % 3 == 0 ? "\(answer.response) \n" : "\(answer.response)x"
      return String(
        decoding: JSONOutput.object([
          ("prompt", .string(answer.prompt)), ("response", .string(response)),
        ]).line, as: UTF8.self)
    }
    let example = try EvaluationExample(lines)
    let result = try evaluator.result(of: example.set(), mode: .model(.routed))
    #expect(result.answers.map(\.isCorrect) == lines.indices.map { $0 % 3 == 0 })
    #expect(result.answers.map(\.score) == lines.indices.map { $0 % 3 == 0 ? 1 : 0 })
    #expect(result.accuracy == (try Accuracy(correct: 4, of: 11)))
    #expect(result.items == nil)
    let limited = try evaluator.result(of: example.set(limit: 4), mode: .model(.routed))
    #expect(limited.answers == Array(result.answers[..<4]))
    #expect(try example.set(limit: 100).sampleCount == 11)
  }
}
