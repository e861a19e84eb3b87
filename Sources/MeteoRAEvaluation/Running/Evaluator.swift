import MeteoRA
import MeteoRATraining

/// Tries a model on test sets: the most likely answer to every prompt, and its score.
///
/// Prompts are tokenised as in training: without special tokens, but for BOS if it was trained
/// with. They run in batches of similar length; no bit of an answer depends on the others.
///
/// ```swift
/// let evaluator = try Evaluator(model)
/// for set in try TestSet.all(of: ["reverse", "sort"], in: datasets) {
///   print(set.task, try evaluator.result(of: set, mode: .model(.routed)).accuracy)
/// }
/// ```
public struct Evaluator: Sendable {
  private let model: MeteoRAModel
  private let tokenizer: Tokenizer
  private let batchSize: Int
  private let encoder: SampleEncoder

  /// What a batch may have.
  public static let batchSizes = 1...1 << 16
  /// Larger batches are hardly faster and take more memory; see the page of this module.
  public static let defaultBatchSize = 64

  /// - Parameters:
  ///   - model: With a tokenizer in its base folder.
  ///   - batchSize: Prompts that run together; no influence on any bit.
  ///   - addsBegin: Whether BOS stands before every prompt.
  /// - Throws: ``EvaluationError`` for a tokenizer that cannot be taken or has no BOS, and a batch
  ///   size out of range.
  public init(
    _ model: MeteoRAModel, batchSize: Int = Evaluator.defaultBatchSize, addsBegin: Bool = false
  ) throws(EvaluationError) {
    do throws(MeteoRAError) {
      tokenizer = try model.loadTokenizer()
    } catch {
      throw .model(error)
    }
    do throws(TrainingDataError) {
      guard Self.batchSizes.contains(batchSize) else {
        throw .setting("the batch size", found: batchSize, expected: Self.batchSizes)
      }
      encoder = try SampleEncoder(
        tokenizer: tokenizer, vocabularySize: model.base.configuration.vocabularySize,
        options: .init(
          addsBegin: addsBegin, addsEnd: false, maximumLength: SampleEncoder.lengths.upperBound))
    } catch {
      throw .samples(error)
    }
    self.model = model
    self.batchSize = batchSize
  }

  /// Answers and scores a test set.
  ///
  /// As many batches run side by side as the model has threads; where there are fewer batches, they
  /// share the threads.
  ///
  /// - Parameters:
  ///   - set: For ``EvaluationMode/labels`` read with the model's adapters.
  ///   - mode: What computes the linear modules.
  ///   - shouldStop: Asked before every forward pass, on any thread, once at a time.
  ///   - onProgress: Called after every batch, as `shouldStop` is, with the answers so far.
  /// - Throws: ``EvaluationError``.
  public func result(
    of set: TestSet, mode: EvaluationMode, shouldStop: () -> Bool = { false },
    onProgress: ([ScoredAnswer]) -> Void = { _ in }
  ) throws(EvaluationError) -> TaskResult {
    var prompts: [EvaluationPrompt] = []
    for sample in set.samples {
      if shouldStop() { throw .cancelled }
      prompts.append(
        try EvaluationPrompt(
          sample, of: set, isLabelled: mode == .labels, encoder: encoder,
          positions: model.base.configuration.maximumPositions))
    }
    let answers = try withoutActuallyEscaping(shouldStop) { stop throws(EvaluationError) in
      try withoutActuallyEscaping(onProgress) { progress throws(EvaluationError) in
        let queue = BatchQueue(
          batches(of: prompts), sampleCount: prompts.count, shouldStop: stop, onProgress: progress)
        try answer(prompts, of: set, mode: mode, from: queue)
        return try queue.result()
      }
    }
    return try TaskResult(of: set, mode: mode, answers: answers)
  }

  /// A batch lasts as long as its longest answer, and long prompts have long ones.
  private func batches(of prompts: [EvaluationPrompt]) -> [[Int]] {
    let order = prompts.indices.sorted {
      (prompts[$0].tokens.count, $0) < (prompts[$1].tokens.count, $1)
    }
    return stride(from: 0, to: order.count, by: batchSize).map { first in
      Array(order[first..<min(first + batchSize, order.count)])
    }
  }

  private func answer(
    _ prompts: [EvaluationPrompt], of set: TestSet, mode: EvaluationMode, from queue: BatchQueue
  ) throws(EvaluationError) {
    let threads = model.parallelism.threads
    let workers = min(threads, queue.batchCount)
    let batch: AnswerBatch
    let parallelism: Parallelism
    do throws(KernelError) {
      parallelism = try Parallelism(threads: workers)
      batch = AnswerBatch(
        model: model.with(parallelism: try Parallelism(threads: threads / workers)),
        tokenizer: tokenizer, mode: mode, maximumNewTokens: set.description.maximumNewTokens)
    } catch {
      throw .model(.kernel(context: "evaluation", error))
    }
    parallelism.forEachRange(of: workers) { _ in
      queue.work { samples throws(EvaluationError) in
        let answers = try batch.answers(
          to: samples.map { prompts[$0] }, shouldStop: queue.isStopped)
        return zip(samples, answers).map { sample, answer in
          ScoredAnswer(
            answer.text, finishReason: answer.finishReason, to: set.samples[sample],
            metric: set.description.metric)
        }
      }
    }
  }
}
