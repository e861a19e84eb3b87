import Foundation
import MeteoRAFixtures
import Testing

@testable import MeteoRA

@Suite("The text that new tokens add")
struct ContinuedTextTests {
  private func demo() throws -> (model: MeteoRAModel, tokenizer: Tokenizer) {
    let model = try MeteoRAModel(contentsOf: try #require(DemoBundle.directory))
    return (model, try model.loadTokenizer())
  }

  // MARK: Bytes of the prompt

  /// Ids of a Llama 2 tokenizer, in which a line feed is a byte's token.
  private func ids(_ tokens: [String], in tokenizer: Tokenizer) throws -> [Int] {
    try tokens.map { try #require(tokenizer.id(of: $0)) }
  }

  @Test(
    "bytes of the prompt that the answer makes no text of are not the answer's",
    arguments: [
      (["▁a", "<0x0A>"], ["<0xDB>"], "\u{FFFD}"),
      (["▁a", "<0x0A>"], ["<0x0A>"], "\n"),
      (["▁a", "<0x0A>"], ["b"], "b"),
      (["<0x0A>", "<0x0A>"], ["<0xDB>", "<0xDB>", "b"], "\u{FFFD}\u{FFFD}b"),
      (["<0xC3>"], ["<0xA9>"], "é"),
      (["<0xC3>"], ["b"], "b"),
      (["<0xC3>"], ["<0xC3>"], "\u{FFFD}"),
      (["<0xC3>", "<0xA9>"], ["<0xC3>"], "\u{FFFD}"),
    ])
  func bytesOfPrompt(prompt: [String], answer: [String], expected: String) throws {
    let folder = try ModelCopy.original("../generation/llama2")
    let tokenizer = try Tokenizer(
      contentsOf: folder.appendingPathComponent("tokenizer.json"))
    let prompt = try ids(prompt, in: tokenizer)
    var text = ContinuedText(after: prompt, tokenizer: tokenizer)
    let shown = try ids(answer, in: tokenizer).map { text.append($0) }.joined() + text.finish()
    #expect(Array(shown.utf8) == Array(expected.utf8))
  }

  // MARK: Special tokens as stop strings

  @Test("the spelling of a special token ends it at the token, which adds no text")
  func specialToken() throws {
    let (_, tokenizer) = try demo()
    let special = try #require((0..<tokenizer.idBound).first(where: tokenizer.isSpecial))
    let spelling = try #require(tokenizer.token(of: special))
    let stops = try StopStrings([spelling], tokenizer: tokenizer)
    var text = ContinuedText(after: [5], stopStrings: stops)
    let ids = tokenizer.encode("hello", addSpecialTokens: false)
    var shown = ids.map { text.append($0) }.joined()
    #expect(!text.isStopped)
    shown += text.append(special)
    #expect(text.isStopped && shown == "hello")
    #expect(text.append(ids[0]).isEmpty && text.append(special).isEmpty && text.finish().isEmpty)
  }

  @Test("what was held back for another stop string is shown before it")
  func heldBeforeSpecialToken() throws {
    let (_, tokenizer) = try demo()
    let special = try #require((0..<tokenizer.idBound).first(where: tokenizer.isSpecial))
    let spelling = try #require(tokenizer.token(of: special))
    let stops = try StopStrings(["helloX", spelling], tokenizer: tokenizer)
    var text = ContinuedText(after: [5], stopStrings: stops)
    let ids = tokenizer.encode("hello", addSpecialTokens: false)
    #expect(ids.map { text.append($0) }.joined().isEmpty)
    #expect(text.append(special) == "hello" && text.isStopped)
  }

  @Test("an answer ends with the special token and the reason of a stop string")
  func endsAnswer() throws {
    let (model, tokenizer) = try demo()
    var options = GenerationOptions()
    (options.maximumNewTokens, options.endOfSequence) = (40, [])
    for seed in 0..<200 {
      (options.temperature, options.seed) = (3, UInt64(seed))
      let free = try model.generate([[5]], options: options)[0].newTokens
      guard let last = free.firstIndex(where: tokenizer.isSpecial) else { continue }
      let spelling = try #require(tokenizer.token(of: free[last]))
      let result = try model.generate(
        [[5]], options: options, stopStrings: StopStrings([spelling], tokenizer: tokenizer))[0]
      #expect(result.newTokens == Array(free[...last]))
      #expect(result.finishReason == .stopString)
      return
    }
    Issue.record("no answer has a special token")
  }

  @Test("a special token beside other text is refused: no text holds it")
  func mixed() throws {
    let (_, tokenizer) = try demo()
    let special = try #require((0..<tokenizer.idBound).first(where: tokenizer.isSpecial))
    let spelling = try #require(tokenizer.token(of: special))
    let error = MeteoRAError.mixedStopString(index: 1, token: spelling)
    for string in [spelling + "\n", "a" + spelling] {
      #expect(throws: error) { try StopStrings(["b", string], tokenizer: tokenizer) }
    }
    #expect(
      error.description
        == "stop string 1 holds the special token '\(spelling)', which adds nothing to a text, "
        + "beside other text; expected the token alone, or text without it")
  }
}
