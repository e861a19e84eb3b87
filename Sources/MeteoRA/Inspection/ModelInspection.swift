import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers

/// What a plain Hugging Face folder holds, found without loading its weights.
public struct ModelInspection: Sendable {
  /// A file with weights.
  public struct WeightFile: Sendable {
    /// The path of the file.
    public var path: String
    /// Bytes of its tensors.
    public var bytes: Int
  }

  /// The Hugging Face folder.
  public let folder: URL
  /// Its `config.json`; `nil` if that cannot be taken.
  public let configuration: LlamaConfiguration?
  /// The ids that begin, end and pad a sequence; `nil` if they cannot be read.
  public let specialTokens: SpecialTokens?
  /// The files with weights, shards in the order of the index.
  public let weightFiles: [WeightFile]
  /// What all of them hold; `nil` if they cannot be read.
  public let totals: TensorTotals?
  /// Numbers that make up the model: a tied output matrix counts once. `nil` without configuration
  /// or weights.
  public let parameterCount: Int?
  /// The names of the files that a tokenizer can be read from, if they are there; the first is
  /// read.
  public let tokenizerFiles: [String]
  /// The tokenizer's tokens; `nil` if there is none that can be taken.
  public let tokenizerVocabulary: Int?
  /// One more than the highest layer of the model that the weights hold a tensor of.
  let heldLayerCount: Int
  /// Everything that would keep the model, or its tokenizer, from being loaded; of a tokenizer, of
  /// shards, and of a file that breaks its format, the first.
  public let problems: [MeteoRAError]

  /// The special tokens that are no rows of the embedding, and so can never occur.
  public var specialTokensOutsideVocabulary: [Int] {
    guard let specialTokens, let configuration else { return [] }
    let all =
      specialTokens.endOfSequence
      + [specialTokens.beginOfSequence, specialTokens.padding].compactMap { $0 }
    return all.filter { $0 < 0 || $0 >= configuration.vocabularySize }
  }

  /// Reads the configuration, the headers of the weights, and the tokenizer; what cannot be read is
  /// a problem.
  public init(folder: URL) {
    self.folder = folder
    var problems = FoundProblems()
    let file = folder.appendingPathComponent(BaseFolder.configuration)
    do throws(LlamaError) {
      configuration = try LlamaConfiguration(contentsOf: file)
    } catch {
      configuration = nil
      problems.add([.llama(error)])
      problems.add(LlamaConfiguration.problems(contentsOf: file).map { .llama($0) })
    }
    specialTokens = problems.attempt { () throws(MeteoRAError) in
      do throws(LlamaError) { return try SpecialTokens(folder: folder) } catch {
        throw .llama(error)
      }
    }
    let checkpoint = problems.attempt { () throws(MeteoRAError) in
      do throws(LlamaError) { return try LlamaModel.weights(in: folder) } catch {
        throw .llama(error)
      }
    }
    weightFiles = (checkpoint?.files ?? []).map { file in
      WeightFile(path: file.location, bytes: file.tensors.reduce(0) { $0 + $1.byteCount })
    }
    totals = checkpoint.map { TensorTotals($0) }
    if let checkpoint, let configuration {
      var expectations = TensorExpectations(of: checkpoint)
      let layers = checkpoint.layers(below: configuration.layerCount)
      heldLayerCount = (layers.last ?? -1) + 1
      parameterCount = expectations.expectModel(configuration, holding: layers)
      expectations.expectNothingElse { tensor in
        LlamaModel.isDerived(tensor.name)
          ? nil : .llama(.unexpectedTensor(file: tensor.file, tensor: tensor.name))
      }
      problems.add(expectations.problems)
    } else {
      heldLayerCount = 0
      parameterCount = nil
    }

    tokenizerFiles = ["tokenizer.json", "tokenizer.model"].filter { name in
      FileStatus.isThere(folder.appendingPathComponent(name))
    }
    tokenizerVocabulary =
      tokenizerFiles.isEmpty
      ? nil
      : problems.attempt { () throws(MeteoRAError) in
        do throws(TokenizerError) { return try Tokenizer(folder: folder).vocabularySize } catch {
          throw .tokenizer(error)
        }
      }
    self.problems = problems.all
  }
}

extension TensorExpectations {
  /// Expects every weight of a Llama.
  ///
  /// - Parameter layers: Those that have a tensor, ascending. The others are reported without going
  ///   through them one by one: there may be as many as the configuration likes.
  /// - Returns: The number of elements of those that are there, a tied head not counted.
  fileprivate mutating func expectModel(
    _ configuration: LlamaConfiguration, holding layers: [Int]
  ) -> Int {
    let (vocabulary, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
    var count = 0
    func add(_ tensor: SafetensorsTensor?) { count += tensor?.elementCount ?? 0 }
    let embedding = expect("model.embed_tokens.weight", shape: [vocabulary, hidden])
    add(embedding)
    var next = 0
    for layer in layers {
      if next < layer { reportMissing(next...layer - 1) }
      next = layer + 1
      for norm in ["input_layernorm", "post_attention_layernorm"] {
        add(expect("model.layers.\(layer).\(norm).weight", shape: [hidden]))
      }
      for module in LinearModule.allCases {
        let shape = configuration.shape(of: module)
        let path = module.path(layer: layer)
        add(expect("\(path).weight", shape: [shape.outFeatures, shape.inFeatures]))
        if configuration.hasBias(module) {
          add(expect("\(path).bias", shape: [shape.outFeatures]))
        }
      }
    }
    if next < configuration.layerCount { reportMissing(next...configuration.layerCount - 1) }
    add(expect("model.norm.weight", shape: [hidden]))
    let isTied = configuration.tiesEmbeddings
    let head = expect("lm_head.weight", shape: [vocabulary, hidden], isOptional: isTied)
    if !isTied {
      add(head)
    } else if let head, let embedding {
      do throws(SafetensorsError) {
        if try !head.isIdentical(to: embedding) {
          report(.llama(.tiedHeadDiffers(file: location)))
        }
      } catch {
        report(.safetensors(error))
      }
    }
    return count
  }
}

extension SafetensorsCheckpoint {
  /// The decoder layers, ascending, that have a tensor `model.layers.{i}.…`.
  fileprivate func layers(below count: Int) -> [Int] {
    let prefix = "model.layers.".utf8
    var layers: Set<Int> = []
    for tensor in tensors where tensor.name.utf8.starts(with: prefix) {
      let digits = tensor.name.utf8.dropFirst(prefix.count).prefix { $0 != UInt8(ascii: ".") }
      if let layer = Int(String(decoding: digits, as: UTF8.self)), (0..<count).contains(layer) {
        layers.insert(layer)
      }
    }
    return layers.sorted()
  }
}
