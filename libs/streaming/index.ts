export { AnswerCache, type Answer, type Query } from './answer-cache.js';
export { blockingQuery, type BlockingOptions } from './blocking-query.js';
export { NodeNews } from './node-news.js';
export { commitsOf, LogTail, type LogCommit, type LogTailOptions, type Topic } from './log-tail.js';
