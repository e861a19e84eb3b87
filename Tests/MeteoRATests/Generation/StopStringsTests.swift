import Foundation
import MeteoRAFixtures
import Testing

@testable import MeteoRA

@Suite("Stop strings")
struct StopStringsTests {
  /// The demo's bundle, a prompt, and what it is continued by.
  private struct Demo {
    let model: MeteoRAModel
    let tokenizer: Tokenizer
    let prompt: [Int]
    var options = GenerationOptions()
    let free: [Int]
    /// The text that each new token adds.
    let pieces: [String]

    init(_ prompt: String = "the capital of france is", drawing seed: UInt64? = 3) throws {
      let folder = try #require(DemoBundle.directory)
      model = try MeteoRAModel(contentsOf: folder)
      tokenizer = try model.loadTokenizer()
      self.prompt = tokenizer.encode(prompt)
      options.maximumNewTokens = 24
      options.endOfSequence = []
      if let seed { (options.temperature, options.seed) = (1.2, seed) }
      free = try model.generate([self.prompt], options: options)[0].newTokens
      var text = ContinuedText(after: self.prompt, tokenizer: tokenizer)
      pieces = free.map { text.append($0) }
    }

    var text: String { pieces.joined() }

    /// A stop string that begins inside a token and ends inside another, and stands nowhere before.
    func acrossTokens() throws -> (string: String, last: Int) {
      for first in 4..<pieces.count - 3 where pieces[first].utf8.count > 1 {
        let before = pieces[..<first].joined()
        let string = String(pieces[first].dropFirst()) + pieces[first + 1] + pieces[first + 2]
        let isASCII = string.utf8.allSatisfy { $0 < 128 }
        if isASCII, !pieces[first + 2].isEmpty, !before.contains(string) {
          return (string, first + 2)
        }
      }
      throw MeteoRAError.cancelled(path: "no such stop string")
    }
  }

  @Test("one across tokens ends the sequence with the token that completes it")
  func acrossTokens() throws {
    let demo = try Demo()
    let (string, last) = try demo.acrossTokens()
    let stops = try StopStrings(["not there", string], tokenizer: demo.tokenizer)
    var seen: [GeneratedToken] = []
    let result = try demo.model.generate(
      [demo.prompt], options: demo.options, stopStrings: stops
    ) { token in
      seen.append(token)
      return true
    }[0]
    #expect(result.newTokens == Array(demo.free[...last]))
    #expect(result.finishReason == .stopString)
    #expect(seen.map(\.id) == result.newTokens)
    #expect(seen.map(\.finishReason) == seen.indices.map { $0 == last ? .stopString : nil })
    // The text is what comes before it, and no piece has any of it.
    var text = ContinuedText(after: demo.prompt, stopStrings: stops)
    var shown = ""
    for id in result.newTokens {
      #expect(!text.isStopped)
      shown += text.append(id)
      #expect(!shown.contains(string) && demo.text.hasPrefix(shown))
    }
    #expect(text.isStopped)
    #expect(text.append(demo.free[0]).isEmpty && text.finish().isEmpty)
    let range = try #require(demo.text.range(of: string))
    #expect(Array(shown.utf8) == Array(demo.text[..<range.lowerBound].utf8))
  }

  @Test("one that never comes changes nothing, and what was held back for it is shown")
  func neverComes() throws {
    let demo = try Demo()
    let string = String(demo.text.suffix(3)) + "\u{1}"
    let stops = try StopStrings([string], tokenizer: demo.tokenizer)
    let result = try demo.model.generate(
      [demo.prompt], options: demo.options, stopStrings: stops)[0]
    #expect(result.newTokens == demo.free && result.finishReason == .length)
    var text = ContinuedText(after: demo.prompt, stopStrings: stops)
    let shown = demo.free.map { text.append($0) }.joined()
    #expect(shown.utf8.count < demo.text.utf8.count)
    var whole = ContinuedText(after: demo.prompt, tokenizer: demo.tokenizer)
    let expected = demo.free.map { whole.append($0) }.joined() + whole.finish()
    #expect(Array((shown + text.finish()).utf8) == Array(expected.utf8))
  }

  @Test("in a batch each ends its own sequence, and the others go on as alone")
  func batch() throws {
    let demo = try Demo()
    let string = try demo.acrossTokens().string
    let stops = try StopStrings([string], tokenizer: demo.tokenizer)
    let prompts = [demo.prompt, [5], demo.tokenizer.encode("abc")]
    let alone = try prompts.map {
      try demo.model.generate([$0], options: demo.options, stopStrings: stops)[0]
    }
    let batch = try demo.model.generate(prompts, options: demo.options, stopStrings: stops)
    #expect(batch == alone)
    #expect(batch[0].finishReason == .stopString)
    #expect(batch.contains { $0.finishReason == .length })
  }

  @Test("it outranks other reasons of the same token")
  func outranksOtherReasons() throws {
    var demo = try Demo()
    let (string, last) = try demo.acrossTokens()
    let stops = try StopStrings([string], tokenizer: demo.tokenizer)
    demo.options.maximumNewTokens = last + 1
    #expect(
      try demo.model.generate([demo.prompt], options: demo.options, stopStrings: stops)[0]
        .finishReason == .stopString)
    demo.options.maximumNewTokens = last
    #expect(
      try demo.model.generate([demo.prompt], options: demo.options, stopStrings: stops)[0]
        .finishReason == .length)
    // The same token as the end of sequence: not one that has come before.
    try #require(!demo.free[..<last].contains(demo.free[last]))
    (demo.options.maximumNewTokens, demo.options.endOfSequence) = (24, [demo.free[last]])
    #expect(
      try demo.model.generate([demo.prompt], options: demo.options, stopStrings: stops)[0]
        .finishReason == .stopString)
  }

  @Test("one that begins in the prompt does not count")
  func beginsInPrompt() throws {
    let demo = try Demo()
    let piece = try #require(demo.pieces.first { !$0.isEmpty })
    let stops = try StopStrings(["is" + piece], tokenizer: demo.tokenizer)
    #expect(
      demo.tokenizer.decode(demo.prompt + demo.free, skipSpecialTokens: true)
        .contains("is" + piece))
    try #require(!demo.text.contains("is" + piece))
    #expect(
      try demo.model.generate([demo.prompt], options: demo.options, stopStrings: stops)[0]
        .newTokens == demo.free)
  }

  @Test("a character that the end cuts off can complete one")
  func replacementCharacter() throws {
    let demo = try Demo()
    // The first byte of a character of two.
    let half = try #require(
      (0..<512).first { id in
        var decoder = demo.tokenizer.makeStreamDecoder(skipSpecialTokens: true)
        return decoder.append(id).isEmpty && decoder.finish() == "\u{FFFD}"
      })
    let stops = try StopStrings(["\u{FFFD}"], tokenizer: demo.tokenizer)
    var text = ContinuedText(after: demo.prompt, stopStrings: stops)
    #expect(text.append(half).isEmpty && !text.isStopped)
    #expect(text.finish().isEmpty && text.isStopped)
  }

  @Test("one that only the end of an answer completes is its reason")
  func completedByEnd() throws {
    for seed in 0..<20 {
      var demo = try Demo("abc", drawing: UInt64(seed))
      let first = demo.pieces.firstIndex { $0.contains("\u{FFFD}") } ?? demo.pieces.count
      // So many tokens, of which the last leaves a character unfinished.
      let counts = (0...first).filter { count in
        var text = ContinuedText(after: demo.prompt, tokenizer: demo.tokenizer)
        for id in demo.free[..<count] { _ = text.append(id) }
        return text.finish() == "\u{FFFD}"
      }
      guard let count = counts.first else { continue }
      let stops = try StopStrings(["\u{FFFD}"], tokenizer: demo.tokenizer)
      demo.options.maximumNewTokens = count
      let result = try demo.model.generate(
        [demo.prompt], options: demo.options, stopStrings: stops)[0]
      #expect(result.newTokens == Array(demo.free[..<count]))
      #expect(result.finishReason == .stopString)
      return
    }
    Issue.record("no answer has an unfinished character")
  }

  @Test("the sequence of tokens for `for try await` ends with it")
  func asynchronously() async throws {
    let demo = try Demo()
    let (string, last) = try demo.acrossTokens()
    let stops = try StopStrings([string], tokenizer: demo.tokenizer)
    var tokens: [Int] = []
    for try await token in demo.model.tokens(
      continuing: [demo.prompt], options: demo.options, stopStrings: stops)
    {
      tokens.append(token.id)
    }
    #expect(tokens == Array(demo.free[...last]))
  }

  @Test("with recorded routing the last token can still be run")
  func recordsRouting() throws {
    let demo = try Demo()
    let (string, last) = try demo.acrossTokens()
    let generation = try demo.model.generation(
      of: [demo.prompt], options: demo.options,
      stopStrings: StopStrings([string], tokenizer: demo.tokenizer), recordsRouting: true)
    while try generation.step() != nil {}
    #expect(generation.routing(of: 0).count == demo.prompt.count + last)
    try generation.runLastTokens()
    #expect(generation.routing(of: 0).count == demo.prompt.count + last + 1)
    #expect(generation.results[0].finishReason == .stopString)
  }

  @Test("an empty one is refused, none at all is not")
  func refusesEmpty() throws {
    let tokenizer = try Demo().tokenizer
    let error = MeteoRAError.emptyStopString(index: 1)
    #expect(throws: error) { try StopStrings(["a", ""], tokenizer: tokenizer) }
    #expect(error.description == "stop string 1 is empty, expected at least one character")
    let demo = try Demo()
    let stops = try StopStrings([], tokenizer: tokenizer)
    #expect(
      try demo.model.generate([demo.prompt], options: demo.options, stopStrings: stops)[0].newTokens
        == demo.free)
  }
}
