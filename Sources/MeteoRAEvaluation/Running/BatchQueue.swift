import Foundation

/// Batches of samples that are answered side by side, and what came of them so far.
///
/// A small model is faster with a batch for every thread than with all threads at one batch.
final class BatchQueue: @unchecked Sendable {
  // Unchecked: everything variable is touched under the lock, and so are the caller's closures
  // called.
  private let lock = NSLock()
  private let batches: [[Int]]
  private let shouldStop: () -> Bool
  private let onProgress: ([ScoredAnswer]) -> Void
  private var taken = 0
  private var answers: [ScoredAnswer?]
  private var known: [ScoredAnswer] = []
  private var failure: (batch: Int, error: EvaluationError)?

  /// - Parameters:
  ///   - batches: Samples of each; together all below `sampleCount`, each once.
  ///   - onProgress: Called with the answers so far.
  init(
    _ batches: [[Int]], sampleCount: Int, shouldStop: @escaping () -> Bool,
    onProgress: @escaping ([ScoredAnswer]) -> Void
  ) {
    self.batches = batches
    self.shouldStop = shouldStop
    self.onProgress = onProgress
    answers = [ScoredAnswer?](repeating: nil, count: sampleCount)
  }

  /// The number of batches.
  var batchCount: Int { batches.count }

  /// Answers batches until there are none left, or one has failed; on any number of threads.
  func work(_ answer: ([Int]) throws(EvaluationError) -> [ScoredAnswer]) {
    while let batch = take() {
      do throws(EvaluationError) {
        let scored = try answer(batches[batch])
        lock.withLock {
          for (sample, answer) in zip(batches[batch], scored) { answers[sample] = answer }
          known += scored
          onProgress(known)
        }
      } catch {
        lock.withLock {
          // Of several failures that of the first batch counts, whoever is faster; a batch that
          // stopped because of another's is none.
          if let failure, failure.batch < batch || error == .cancelled { return }
          failure = (batch, error)
        }
      }
    }
  }

  private func take() -> Int? {
    lock.withLock {
      guard failure == nil, taken < batches.count else { return nil }
      defer { taken += 1 }
      return taken
    }
  }

  /// Whether the caller wants to stop, or another batch has failed.
  func isStopped() -> Bool { lock.withLock { failure != nil || shouldStop() } }

  /// All answers in the order of the samples.
  func result() throws(EvaluationError) -> [ScoredAnswer] {
    if let failure { throw failure.error }
    return answers.compactMap(\.self)
  }
}
