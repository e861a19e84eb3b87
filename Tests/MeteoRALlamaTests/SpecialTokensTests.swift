import Foundation
import MeteoRALlama
import MeteoRATestSupport
import Testing

@Suite("Special tokens of a model folder")
struct SpecialTokensTests {
  private func tokens(generation: String?, config: String) throws -> SpecialTokens {
    let folder = try TemporaryFolder()
    if let generation { try folder.write(generation, to: "generation_config.json") }
    try folder.write(config, to: "config.json")
    return try SpecialTokens(folder: folder.url)
  }

  static let cases:
    [(generation: String?, config: String, end: [Int], begin: Int?, padding: Int?)] =
      [
        (nil, "{}", [], nil, nil),
        (nil, #"{"eos_token_id":2,"bos_token_id":1,"pad_token_id":0}"#, [2], 1, 0),
        (nil, #"{"eos_token_id":[3,5,3]}"#, [3, 5, 3], nil, nil),
        (nil, #"{"eos_token_id":null,"bos_token_id":null,"pad_token_id":null}"#, [], nil, nil),
        (nil, #"{"pad_token_id":-1}"#, [], nil, nil),
        (nil, #"{"bos_token_id":[7,8]}"#, [], 7, nil),
        (#"{"eos_token_id":[4,9]}"#, #"{"eos_token_id":2,"bos_token_id":1}"#, [4, 9], 1, nil),
        (#"{"eos_token_id":4,"bos_token_id":6}"#, #"{"bos_token_id":1}"#, [4], 6, nil),
        (#"{"eos_token_id":[]}"#, #"{"eos_token_id":2}"#, [2], nil, nil),
        (
          #"{"temperature":0.6,"top_p":0.9,"do_sample":true}"#, #"{"eos_token_id":2}"#, [2], nil,
          nil
        ),
        (#"{"pad_token_id":-1}"#, #"{"pad_token_id":3}"#, [], nil, 3),
      ]

  @Test(
    "it has those of generation_config.json, then those of config.json", arguments: cases.indices)
  func reads(index: Int) throws {
    let expected = Self.cases[index]
    let tokens = try tokens(generation: expected.generation, config: expected.config)
    #expect(tokens.endOfSequence == expected.end)
    #expect(tokens.beginOfSequence == expected.begin)
    #expect(tokens.padding == expected.padding)
  }

  @Test(
    "it refuses what is no id",
    arguments: [
      ("", "json"), ("{", "json"), ("[]", "json "), (#"{"eos_token_id":"2"}"#, "json eos_token_id"),
      (#"{"eos_token_id":2.0}"#, "json eos_token_id"),
      (#"{"eos_token_id":{}}"#, "json eos_token_id"),
      (#"{"eos_token_id":[2,"3"]}"#, "json eos_token_id[1]"),
      (#"{"eos_token_id":[2,null]}"#, "json eos_token_id[1]"),
      (#"{"bos_token_id":true}"#, "json bos_token_id"),
      (#"{"pad_token_id":[0]}"#, "json pad_token_id"),
      (#"{"pad_token_id":9223372036854775808}"#, "json pad_token_id"),
    ])
  func refuses(text: String, label: String) throws {
    for (generation, config) in [(text, "{}"), (nil, text)] {
      let error = try #require(throws: LlamaError.self) {
        try tokens(generation: generation, config: config)
      }
      #expect(error.label == label)
    }
  }

  @Test("it refuses a generation_config.json that leads nowhere")
  func danglingLink() throws {
    let folder = try TinyModel().folder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.url.appendingPathComponent("generation_config.json").path,
      withDestinationPath: "gone")
    let error = try #require(throws: LlamaError.self) { try LlamaModel(folder: folder.url) }
    #expect(error.description.contains("/generation_config.json: no such file"), "\(error)")
  }

  @Test("it refuses a generation_config.json that is a folder")
  func folderInPlace() throws {
    let folder = try TinyModel().folder()
    try folder.write("", to: "generation_config.json/x")
    #expect(throws: LlamaError.self) { try LlamaModel(folder: folder.url) }
  }
}
