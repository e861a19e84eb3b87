import Foundation
import MeteoRAFixtures
import MeteoRASafetensors
import Testing

@testable import MeteoRALlama

/// 100 000 draws against the probabilities that Transformers computes for the same logits
/// (`Fixtures/oracle/make_distribution.py`).
@Suite("Drawn tokens")
struct DrawDistributionTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    let name: String
    let options: GenerationOptions

    init(_ name: String, _ set: (inout GenerationOptions) -> Void = { _ in }) {
      self.name = name
      var options = GenerationOptions()
      options.temperature = 1
      set(&options)
      self.options = options
    }

    var testDescription: String { name }

    /// The two rows of the case, `vocabulary` logits each, and their probabilities.
    func load() throws -> [(logits: [Float], ids: [Int], probabilities: [Double])] {
      let folder = try #require(GoldenPack.directory)
      let file = try SafetensorsFile(
        contentsOf: folder.appendingPathComponent(
          "distribution/sampling_probabilities.safetensors"))
      let logits = try file.tensor(named: "\(name)/logits").float32Values()
      let ids = try file.tensor(named: "\(name)/ids").int64Values().map(Int.init)
      let probabilities = try file.tensor(named: "\(name)/probabilities").float32Values()
      return (0..<2).map { row in
        let range = row * 90..<(row + 1) * 90
        return (
          Array(logits[range]), Array(ids[row * 16..<(row + 1) * 16]),
          probabilities[range].map(Double.init)
        )
      }
    }
  }

  static let settings = [
    Setting("plain"),
    Setting("cold") { $0.temperature = 0.6 },
    Setting("warm") { $0.temperature = 1.7 },
    Setting("top-k") { ($0.temperature, $0.topK) = (0.8, 7) },
    Setting("top-p") { ($0.temperature, $0.topP) = (1.1, 0.8) },
    Setting("penalty") { $0.repetitionPenalty = 1.8 },
    Setting("ngram") { $0.noRepeatNgramSize = 2 },
    Setting("all") {
      ($0.temperature, $0.topK, $0.topP) = (1.4, 40, 0.9)
      ($0.repetitionPenalty, $0.noRepeatNgramSize) = (1.3, 2)
    },
  ]

  private func counts(
    _ options: GenerationOptions, _ logits: [Float], _ ids: [Int], steps: Range<Int>
  ) -> [Int] {
    var counts = [Int](repeating: 0, count: logits.count)
    for step in steps { counts[options.choice(of: logits, after: ids, step: step)] += 1 }
    return counts
  }

  @Test("are spread as Transformers' probabilities say, step by step", arguments: settings)
  func steps(setting: Setting) throws {
    for (row, (logits, ids, probabilities)) in try setting.load().enumerated() {
      var options = setting.options
      options.seed = UInt64(row)
      let test = ChiSquareTest(
        observed: counts(options, logits, ids, steps: 0..<100_000), probabilities: probabilities)
      #expect(test.isPassed, "\(test)")
    }
  }

  @Test("are spread so over the seeds, too, each in the first step")
  func seeds() throws {
    let setting = try #require(Self.settings.last)
    let (logits, ids, probabilities) = try setting.load()[0]
    var options = setting.options
    var counts = [Int](repeating: 0, count: logits.count)
    for seed in 0..<100_000 {
      options.seed = UInt64(seed)
      counts[options.choice(of: logits, after: ids, step: 0)] += 1
    }
    let test = ChiSquareTest(observed: counts, probabilities: probabilities)
    #expect(test.isPassed, "\(test)")
  }

  @Test("are told from those of a temperature that is off by one part in thirty")
  func noticesTemperature() throws {
    let (logits, ids, probabilities) = try Self.settings[0].load()[0]
    var options = Self.settings[0].options
    options.temperature = 1.033
    let test = ChiSquareTest(
      observed: counts(options, logits, ids, steps: 0..<100_000), probabilities: probabilities)
    #expect(!test.isPassed, "\(test)")
  }
}
