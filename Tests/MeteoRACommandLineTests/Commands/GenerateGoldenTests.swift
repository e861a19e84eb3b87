import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora generate against the golden generations")
struct GenerateGoldenTests {
  @Test("it continues as the oracle does", arguments: GoldenModelCase.all("generate"))
  func continuesAsOracle(golden: GoldenModelCase) throws {
    let prompt = try golden.promptIDs()
    var arguments = ["generate"] + (try golden.modelArguments())
    arguments += ["--prompt-ids", prompt.map(String.init).joined(separator: ","), "--json"]
    for (option, parameter) in [
      ("--max-new-tokens", "max_new_tokens"), ("--no-repeat-ngram-size", "no_repeat_ngram_size"),
    ] {
      arguments += [option, "\(try #require(golden.parameter(parameter)?.integer))"]
    }
    let endsAtEOS = golden.parameter("finish_reason")?.string == "eos"
    // The command line takes the model's own end-of-sequence ids or none.
    guard !endsAtEOS else { return try expectPrefix(arguments, golden) }
    let answer = try ToolRun(arguments + ["--ignore-eos"]).json()
    #expect(answer["prompt_ids"]?.integers == prompt)
    #expect(try answer["new_ids"]?.integers == golden.integers("outputs", "new_ids"))
    #expect(answer["finish_reason"]?.string == "length")
    #expect(answer["text"]?.isNull == true)
  }

  /// A case with end-of-sequence ids of its own begins as the answer without any.
  private func expectPrefix(_ arguments: [String], _ golden: GoldenModelCase) throws {
    let expected = try golden.integers("outputs", "new_ids")
    let answer = try ToolRun(arguments + ["--ignore-eos"]).json()
    #expect(answer["new_ids"]?.integers.map { Array($0.prefix(expected.count)) } == expected)
  }

  @Test("it has golden generations to compare with")
  func hasCases() {
    #expect(GoldenModelCase.all("generate").count >= 10)
    #expect(GoldenModelCase.all("trace").count >= 10)
    #expect(GoldenModelCase.all("trace", mode: "merged").count >= 5)
  }
}
