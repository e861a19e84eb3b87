import Foundation
import MeteoRA
import MeteoRAEvaluation
import MeteoRALlama
import MeteoRATokenizers

/// The bundle, and the held-out samples in it.
struct TrainedBundle {
  let model: MeteoRAModel
  let tokenizer: Tokenizer
  private let datasets: URL

  init(folder: URL) throws {
    model = try MeteoRAModel(contentsOf: folder)
    tokenizer = try model.loadTokenizer()
    datasets = folder.appendingPathComponent("datasets", isDirectory: true)
  }

  /// The first samples of some tasks.
  func samples(of tasks: [String], first count: Int) throws -> [TestSet] {
    try TestSet.all(of: tasks, in: datasets, limit: count)
  }

  /// Answers test sets, and compares with the right answers.
  func answers(to sets: [TestSet], mode: MeteoRAModel.Mode) throws -> [TaskResult] {
    let evaluator = try Evaluator(model)
    return try sets.map { try evaluator.result(of: $0, mode: .model(mode)) }
  }

  /// Tokens with the routing that their rows had.
  struct RoutedAnswer {
    /// Of prompt and answer, as text.
    var texts: [String]
    var routing: [TokenRouting]
    /// Of them, those of the prompt.
    var promptCount: Int

    /// Of each line of the answer, the adapter that is dominant in most rows that its tokens came
    /// from; the number in front and the line feed do not count.
    var writers: [Int?] {
      var writers: [Int?] = []
      var counts: [Int: Int] = [:]
      var isNumber = true
      for token in promptCount..<texts.count {
        if texts[token] == "\n" {
          writers.append(Self.mostFrequent(counts))
          counts = [:]
          isNumber = true
        } else if texts[token] == " " {
          isNumber = false
        } else if !isNumber || writers.isEmpty {
          counts[routing[token - 1].dominantAdapter, default: 0] += 1
        }
      }
      return counts.isEmpty ? writers : writers + [Self.mostFrequent(counts)]
    }

    private static func mostFrequent(_ counts: [Int: Int]) -> Int? {
      counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
  }

  /// Continues a prompt to its end.
  func routedAnswer(to prompt: String) throws -> RoutedAnswer {
    let ids = tokenizer.encode(prompt)
    let generation = try model.generation(of: [ids], recordsRouting: true)
    var all = ids
    while let tokens = try generation.step() { all += tokens.map(\.id) }
    try generation.runLastTokens()
    var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: true)
    return RoutedAnswer(
      texts: all.map { decoder.append($0) }, routing: generation.routing(of: 0),
      promptCount: ids.count)
  }
}
