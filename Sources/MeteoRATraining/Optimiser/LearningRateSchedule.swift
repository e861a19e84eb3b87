import MeteoRAMath

/// How the learning rate changes from step to step.
///
/// With a warm-up of W = ceil(ratio · N) steps of N, step t counted from 0:
///
///     t < W       t / W
///     constant    1
///     linear      (N − t) / (N − W)
///     cosine      0.5 · (1 + cos(π · (t − W) / (N − W)))
///
/// So the first step of a warm-up has the learning rate 0, as in Transformers.
public struct LearningRateSchedule: Sendable, Equatable {
  public enum Shape: String, Sendable, CaseIterable {
    case constant, linear, cosine
  }

  public var shape: Shape
  /// The largest learning rate.
  public var learningRate: Double
  /// Optimiser steps of the whole run.
  public var steps: Int
  /// The share of them that warms up, 0 … 1.
  public var warmupRatio: Double

  public init(shape: Shape, learningRate: Double, steps: Int, warmupRatio: Double = 0) {
    self.shape = shape
    self.learningRate = learningRate
    self.steps = steps
    self.warmupRatio = warmupRatio
  }

  /// Steps with a rising learning rate.
  public var warmupSteps: Int { Int((warmupRatio * Double(steps)).rounded(.up)) }

  /// The learning rate of a step, counted from 0.
  ///
  /// The cosine is the correctly rounded one of binary32, so that every system has the same.
  public func learningRate(ofStep step: Int) -> Double {
    let warmup = warmupSteps
    if step < warmup { return learningRate * (Double(step) / Double(warmup)) }
    let rest = Double(max(steps - warmup, 1))
    switch shape {
    case .constant: return learningRate
    case .linear: return learningRate * (Double(max(steps - step, 0)) / rest)
    case .cosine:
      let angle = Float(Double.pi * (Double(step - warmup) / rest))
      return learningRate * (0.5 * (1 + Double(CorrectlyRounded.cos(angle))))
    }
  }
}
