import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("A base to begin with")
struct InitialBaseTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func write(_ fields: String = "") throws {
    _ = try folder.write(
      """
      {"model_type":"llama","hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,
       "num_attention_heads":4,"vocab_size":200,"rms_norm_eps":1e-5\(fields)}
      """, to: "config.json")
  }

  private func deviation(_ matrix: WeightMatrix) -> Double {
    let values = matrix.floats
    return (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
  }

  @Test("is normal with the deviation that config.json names", arguments: [nil, 0.5])
  func deviations(range: Double?) throws {
    try write(range.map { ",\"initializer_range\":\($0)" } ?? "")
    let model = try LlamaModel(beginning: folder.url, seed: 3)
    let expected = range ?? 0.02
    var matrices = [model.embedding, model.head]
    for layer in model.layers {
      #expect(layer.inputNorm == [Float](repeating: 1, count: 32))
      matrices += LinearModule.allCases.map { layer[$0].weights }
    }
    for matrix in matrices { #expect(abs(deviation(matrix) / expected - 1) < 0.1) }
    #expect(matrices[2].floats != matrices[3].floats)
    #expect(model.finalNorm == [Float](repeating: 1, count: 32))
  }

  @Test("depends on the seed, and ties what is to be tied")
  func seeds() throws {
    try write(",\"tie_word_embeddings\":true,\"attention_bias\":true")
    let model = try LlamaModel(beginning: folder.url, seed: 3)
    #expect(model.head === model.embedding)
    #expect(model.layers[1][.query].bias == [Float](repeating: 0, count: 32))
    #expect(model.layers[1][.up].bias == nil)
    let same = try LlamaModel(beginning: folder.url, seed: 3)
    #expect(same.embedding.floats == model.embedding.floats)
    let other = try LlamaModel(beginning: folder.url, seed: 4)
    #expect(other.embedding.floats != model.embedding.floats)
  }

  @Test(
    "is refused with a deviation that is none, and with sizes that no machine holds",
    arguments: [
      (",\"initializer_range\":0", "initializer_range"),
      (",\"initializer_range\":\"a\"", "initializer_range"),
      (",\"num_hidden_layers\":200000000", "bytes"),
    ])
  func refuses(fields: String, expected: String) throws {
    _ = try folder.write(
      """
      {"model_type":"llama","hidden_size":32,"intermediate_size":48,
       "num_attention_heads":4,"vocab_size":200,"rms_norm_eps":1e-5\(fields)\(
        fields.contains("layers") ? "" : ",\"num_hidden_layers\":2")}
      """, to: "config.json")
    let error = #expect(throws: MeteoRAError.self) {
      _ = try LlamaModel(beginning: folder.url, seed: 0)
    }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }
}
