export { computedClass } from '@app/domain';
